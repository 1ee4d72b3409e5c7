"""A real collector process for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from streams.collector.keys import Key, KeyRing, write_ring
from streams.embedded.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from streams.catalog_files import read_catalog
from streams.collector.config import CollectorConfig
from streams.collector.run import run_until_signal
from streams.logs import configure_logs
from streams.settings import load_settings
broker, namespace, options = sys.argv[1:]
settings = load_settings({}, {}, None)
configure_logs("info")
run_until_signal(CollectorConfig(**json.loads(options)), read_catalog(settings), broker, namespace)
"""
DEADLINE_S = 60


class Reply:
    """An HTTP answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class Collector:
    """A collector process; a context manager that ends it with SIGTERM."""

    def __init__(self, broker: str, namespace: str, directory: Path, **options: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.broker, self.namespace = broker, namespace
        self.log_path = directory / f"collector-{self.port}.log"
        options = {"port": self.port, "away_after_ms": 30_000, **options}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, broker, namespace, json.dumps(options)],
                stderr=log, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def __enter__(self) -> Self:
        """Wait until it answers."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                if self.get("/healthz").status == 200:
                    return self
            except URLError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"no collector: {self.log}")
            time.sleep(0.05)

    def __exit__(self, *_error: object) -> None:
        """End it."""
        self.stop()

    @property
    def log(self) -> str:
        """What it logged."""
        return self.log_path.read_text()

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def get(self, path: str, **headers: str) -> Reply:
        """GET a path."""
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: object, **headers: str) -> Reply:
        """POST a body: bytes as they are, anything else as JSON; ``a_b`` is the header a-b."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, data, {"content_type": "application/json", **headers})

    def request(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        """Send any request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(self.url + path, data, named, method=method)  # noqa: S310  # ours
        try:
            with urlopen(request, timeout=DEADLINE_S) as answer:  # noqa: S310  # ours
                return Reply(answer.status, answer.headers, answer.read())
        except HTTPError as error:
            return Reply(error.code, error.headers, error.read())


def make_keys(path: Path, *keys: Key) -> list[str]:
    """Write a key file and return the keys' texts."""
    ring, texts = KeyRing(), []
    for key in keys:
        ring, text = ring.add(key)
        texts.append(text)
    write_ring(path, ring)
    return texts
