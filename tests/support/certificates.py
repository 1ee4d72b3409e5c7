"""An authority of our own and a certificate for loopback, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """Files in PEM.

    Attributes:
        ca: the authority's certificate, which clients trust.
        cert, key: the server's.
        keystore: key and certificates in one file, as Kafka wants it.
    """

    ca: Path
    cert: Path
    key: Path
    keystore: Path


def make_certificates(directory: Path) -> Certificates:
    """Make an authority and a certificate of 127.0.0.1 and localhost; skip without openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there")
    made = Certificates(
        *(directory / n for n in ("ca.pem", "server.pem", "server.key", "store.pem"))
    )
    authority = directory / "ca.key"
    request, extension = directory / "server.csr", directory / "server.ext"
    extension.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    key = ("-newkey", "rsa:2048", "-nodes")
    _openssl("req", "-x509", *key, "-keyout", authority, "-out", made.ca, "-days", "2",
             "-subj", "/CN=test authority")  # fmt: skip
    _openssl("req", *key, "-keyout", made.key, "-out", request, "-subj", "/CN=localhost")
    _openssl("x509", "-req", "-in", request, "-CA", made.ca, "-CAkey", authority, "-CAcreateserial",
             "-days", "2", "-extfile", extension, "-out", made.cert)  # fmt: skip
    made.keystore.write_text(made.key.read_text() + made.cert.read_text() + made.ca.read_text())
    return made


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
