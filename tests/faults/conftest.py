"""A field for every case, and the table of what they came to."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.settings import Settings
from streams.topics import create_topics
from tests.faults.field import Field
from tests.faults.report import Report
from tests.faults.valkeys import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.embedded.servers import Addresses

MEASURES = Path(__file__).parents[1] / "simulation" / "everything.yaml"
_counter = itertools.count()
_report = pytest.StashKey[Report]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag of ``make faults``."""
    parser.addoption("--faults-report", help="run the long cases too and write the table there")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a table."""
    config.stash[_report] = Report()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the table if all of it is there."""
    path = session.config.getoption("--faults-report", default=None)
    if path and exitstatus == 0:
        session.config.stash[_report].write(Path(path))


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Return the table."""
    return request.config.stash.setdefault(_report, Report())


@pytest.fixture
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether there is time: ``make faults``, not CI."""
    return bool(request.config.getoption("--faults-report", default=None))


@pytest.fixture
def valkey_of_case(tmp_path: Path) -> Iterator[Valkey]:
    """Return a durable Valkey of this case alone."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def make_field(servers: Addresses, valkey_of_case: Valkey, tmp_path: Path) -> Callable[..., Field]:
    """Return what makes a field; settings may be changed."""
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / MEASURES.name).write_text(MEASURES.read_text())

    def make(seed: int = 1, replication: int = 1, **settings: object) -> Field:
        plain = {
            "broker": servers.broker,
            "redis_url": valkey_of_case.url,
            "namespace": f"faults{os.getpid()}-{next(_counter)}",
            "catalog_dir": str(catalog),
            "checkpoint_interval_ms": 100,
            "tick_interval_ms": 0,
            "rebalance_timeout_ms": 1_500,
            "session_timeout_ms": 3_000,
            "keep_all_panes": 1,
        }
        wanted = Settings(**(plain | settings))  # type: ignore[arg-type]
        create_topics(wanted, replication=replication)
        return Field(wanted, valkey_of_case, tmp_path, seed)

    return make
