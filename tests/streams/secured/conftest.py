"""Certificates for the tests of this directory."""

from __future__ import annotations

import pytest

from tests.support.certificates import Certificates, make_certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of our own and a certificate of 127.0.0.1."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))
