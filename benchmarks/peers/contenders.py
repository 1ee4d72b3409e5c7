"""Who takes part: how each is started, what its results look like, how long its logs are."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers.places import HERE, class_path_of, python_of
from streams.launch import kpi_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: One record of results, taken apart: campaign, window's start (ms), and what is known of it.
Part = tuple[str, int, dict[str, int]]

_COUNTS: Final = ("impressions", "clicks")
_OPENED: Final = tuple(  # what Flink's own start scripts open to it
    f"--add-opens=java.base/java.{package}=ALL-UNNAMED"
    for package in ("lang", "util", "util.concurrent", "nio", "net", "time", "text", "io")
)


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Attributes:
        events: of the shorter and of the longer log that it reads.
        prepare: installs it; returns its command and version; raises MissingError.
        results: suffixes of the topics that hold the results; none: the product's tables.
        parse: takes a record of these topics apart: (topic, key, value) -> parts.
        needs_tail: states a window only when a later event has closed it.
    """

    name: str
    events: tuple[int, int]
    prepare: Callable[[], tuple[list[str], str]]
    parse: Callable[[str, bytes, bytes], Iterator[Part]] | None = None
    results: tuple[str, ...] = ("",)
    cwd: Path = HERE
    needs_tail: bool = False


def _row(_topic: str, _key: bytes, value: bytes) -> Iterator[Part]:
    row: dict[str, Any] = json.loads(value)
    if row.get("diff", 1) < 0:
        return  # Pathway takes a row back before it states the new one
    start = row.get("window_start_ms")
    if start is None:  # Flink writes a TIMESTAMP
        start = int(
            datetime.fromisoformat(row["window_start"]).replace(tzinfo=UTC).timestamp() * 1000
        )
    yield row["campaign"], start, {name: row[name] for name in _COUNTS if name in row}


def _changelog(topic: str, key: bytes, value: bytes) -> Iterator[Part]:
    """Take a record of one of Faust's changelog topics apart."""
    name, (start, _end) = json.loads(key)
    table = "clicks" if topic.endswith("clicks-changelog") else "impressions"
    yield name, int(start * 1000), {table: json.loads(value)}


def _product() -> tuple[list[str], str]:
    return list(kpi_command("worker")), version("kpi-streams")


def _faust() -> tuple[list[str], str]:
    python = python_of("faust")
    command = [str(python), str(HERE / "faust" / "app.py"), "worker", "-l", "warn"]
    return command, _installed(python, "faust-streaming")


def _quix() -> tuple[list[str], str]:
    python = python_of("quixstreams")
    return [str(python), str(HERE / "quixstreams" / "app.py")], _installed(python, "quixstreams")


def _bytewax() -> tuple[list[str], str]:
    python = python_of("bytewax")
    # The recovery partitions are made first, as its guide says; then the flow runs in this process.
    script = (
        'set -e; "$0" -m bytewax.recovery "$PEER_DIR" 1;'
        ' exec "$0" -m bytewax.run app:flow -r "$PEER_DIR" -s 1 -b 0'
    )
    return ["/bin/sh", "-c", script, str(python)], _installed(python, "bytewax")


def _pathway() -> tuple[list[str], str]:
    python = python_of("pathway")
    return [str(python), str(HERE / "pathway" / "app.py")], _installed(python, "pathway")


def _kafka_streams() -> tuple[list[str], str]:
    path = class_path_of("kafka_streams")
    command = ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", path]
    return [*command, str(HERE / "kafka_streams" / "ClickThrough.java")], _jar(
        path, "kafka-streams"
    )


def _flink() -> tuple[list[str], str]:
    path = class_path_of("flink_sql")
    command = ["java", *_OPENED, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", path]
    return [*command, str(HERE / "flink_sql" / "ClickThrough.java")], _jar(path, "flink-clients")


def _installed(python: Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _jar(class_path: str, name: str) -> str:
    found = re.search(rf"/{name}-([\d.]+)\.jar", class_path)
    return found[1] if found else "?"


PRODUCT: Final = "kpi-streams"
_FAUST_RESULTS: Final = ("-impressions-changelog", "-clicks-changelog")
CONTENDERS: Final = (
    Contender(PRODUCT, (400_000, 2_000_000), _product, results=()),
    Contender("Faust", (4_000, 20_000), _faust, _changelog, _FAUST_RESULTS),
    Contender("Quix Streams", (20_000, 100_000), _quix, _row, needs_tail=True),
    Contender("Bytewax", (100_000, 400_000), _bytewax, _row, cwd=HERE / "bytewax"),
    Contender("Pathway", (100_000, 400_000), _pathway, _row),
    Contender("Kafka Streams", (400_000, 2_000_000), _kafka_streams, _row),
    Contender("Flink SQL", (400_000, 3_000_000), _flink, _row),
)
