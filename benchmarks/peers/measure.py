"""One run of one contender: from its start until its results are those that they have to be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from benchmarks.peers.log import RUNG, add_tail
from processors.names import parse_cell
from streams.bench.process import usage
from streams.launch import with_settings
from streams.tables.connection import open_client
from streams.tables.redis_reader import RedisReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.contenders import Contender, Part
    from benchmarks.peers.log import Counts, Log

LOOK_S: Final = 0.05
SETTLE_S: Final = 0.5  # in which nothing may change any more
TIMEOUT_S: Final = 180.0
_SHOWN: Final = 3
_LAST_LINES: Final = 4
_LAST_CHARACTERS: Final = 900


class WrongError(Exception):
    """A contender ended, or did not come to the results; the text says how far it came."""


@dataclass(frozen=True)
class Run:
    """What one run took.

    Attributes:
        seconds: from the start of the process until all results were there.
        cpu_s: of the process, by then.
        servers_cpu_s: of the broker, and of the Redis where it is used.
        peak_bytes: the most memory that the process held.
    """

    events: int
    seconds: float
    cpu_s: float
    broker_cpu_s: float
    redis_cpu_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Servers:
    """What the contenders run on."""

    broker: str
    broker_pid: int
    redis_url: str
    redis_pid: int


class Results(Protocol):
    """Where a contender's results are read."""

    def read(self) -> Counts:
        """Return the counts as they stand now."""

    def close(self) -> None:
        """Let go of the server."""


class TopicResults:
    """Results that are records of Kafka topics; a later one replaces an earlier one."""

    def __init__(
        self, broker: str, topics: list[str], parse: Callable[[str, bytes, bytes], object]
    ) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest")
        self._topics = topics
        self._parse = parse
        self._found: dict[tuple[str, int], dict[str, int]] = {}
        self._assigned = False

    def read(self) -> Counts:
        """Return the counts as they stand now."""
        if not self._assigned:
            self._assign()
        while fetched := self._consumer.poll(0, max_records=5_000) if self._assigned else None:
            for batch in fetched.values():
                for record in batch:
                    if record.value is not None:
                        self._add(record.topic, record.key, record.value)
        return {
            place: (parts.get("impressions", 0), parts.get("clicks", 0))
            for place, parts in self._found.items()
        }

    def _assign(self) -> None:
        """Take every partition, once all of the topics are there."""
        if self._consumer.topics() >= set(self._topics):  # this asks the broker, again and again
            known = {topic: self._consumer.partitions_for_topic(topic) for topic in self._topics}
            places = [TopicPartition(t, p) for t, found in known.items() for p in found or ()]
            self._consumer.assign(places)
            self._consumer.seek_to_beginning()
            self._assigned = True

    def _add(self, topic: str, key: bytes, value: bytes) -> None:
        part: Part
        for part in self._parse(topic, key, value):  # type: ignore[attr-defined]
            campaign, start_ms, counts = part
            self._found.setdefault((campaign, start_ms), {}).update(counts)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()


class TableResults:
    """The product's results: the panes of its tables in Redis."""

    def __init__(self, redis_url: str, log: Log) -> None:
        self._url, self._log = redis_url, log

    def read(self) -> Counts:
        """Return the counts as they stand now."""
        return asyncio.run(self._read())

    async def _read(self) -> Counts:
        client = open_client(self._url)
        try:
            reader = RedisReader(client, self._log.settings.namespace)
            # Cheap until the log's end is reached: reading panes costs Redis what the worker needs.
            progress = await reader.progress()
            if sum(p.offset or 0 for p in progress.values()) < self._log.events:
                return {}
            panes = await reader.panes(RUNG, 0, self._log.end_ms)
        finally:
            await client.aclose()
        found: dict[tuple[str, int], list[int]] = {}
        for start_ms, cells in panes.items():
            for name, amount in cells.items():
                cell = parse_cell(name)
                if cell.dimensions == ("campaign",) and cell.measure in _MEASURES:
                    counts = found.setdefault((cell.values[0], start_ms), [0, 0])
                    counts[_MEASURES[cell.measure]] += int(amount)
        return {place: (impressions, clicks) for place, (impressions, clicks) in found.items()}

    def close(self) -> None:
        """Nothing is kept open."""


_MEASURES: Final = {"ad_impressions": 0, "ad_clicks": 1}


def run_once(
    contender: Contender, command: list[str], servers: Servers, log: Log, directory: Path, run: str
) -> Run:
    """Start a contender on a log and end it as soon as it is done.

    Raises:
        WrongError: it ended by itself, or its results are not the expected ones in time.
    """
    group = re.sub(r"\W+", "-", f"{contender.name}-{run}".lower())
    own = directory / group
    own.mkdir()
    results = _results(contender, servers, log, group)
    environment = os.environ | _environment(contender, servers, log, group, own)
    before = _servers_cpu(servers)
    with (directory / f"{group}.log").open("wb") as output:
        begun = time.monotonic()
        process = subprocess.Popen(
            command, cwd=contender.cwd, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        watched = _Watched(process, Path(output.name), begun + TIMEOUT_S)
        if contender.needs_tail:
            _wait_until_read(watched, servers, log, group)
            add_tail(log)
        _wait_for_results(watched, results, log)
        seconds = time.monotonic() - begun
        after = _servers_cpu(servers)
        time.sleep(SETTLE_S)
        if wrong := _difference(results.read(), log):
            raise WrongError(f"right at first, then {wrong}")
    finally:
        results.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # leaving in good order is not measured
        process.wait()
    broker_cpu_s, redis_cpu_s = after[0] - before[0], after[1] - before[1]
    return Run(log.events, seconds, watched.cpu_s, broker_cpu_s, redis_cpu_s, watched.peak_bytes)


class _Watched:
    """A process that is looked at until it is done."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, deadline: float) -> None:
        self.cpu_s, self.peak_bytes = 0.0, 0
        self._process, self._output, self._deadline = process, output, deadline

    @property
    def runs(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def look(self, wrong: str) -> None:
        """Note what the process has used so far; give it a moment.

        Raises:
            WrongError: it has ended, or the time is up, and its results are still wrong.
        """
        used = usage(self._process.pid)
        if used is not None and used.cpu_s > self.cpu_s:  # a process that has just ended shows 0
            self.cpu_s = used.cpu_s
            self.peak_bytes = max(self.peak_bytes, _peak_bytes(self._process.pid))
        if wrong and self._process.poll() is not None:
            raise WrongError(f"exit code {self._process.returncode}, {wrong}: {self._words()}")
        if wrong and time.monotonic() > self._deadline:
            raise WrongError(f"after {TIMEOUT_S:.0f} s {wrong}: {self._words()}")
        if wrong:
            time.sleep(LOOK_S)

    def _words(self) -> str:
        lines = self._output.read_text(errors="replace").strip().splitlines()
        return " | ".join(lines[-_LAST_LINES:])[-_LAST_CHARACTERS:] if lines else "it said nothing"


def _results(contender: Contender, servers: Servers, log: Log, group: str) -> Results:
    if contender.parse is None:
        return TableResults(servers.redis_url, log)
    topics = [f"{group}{suffix}" for suffix in contender.results]
    if contender.results == ("",):
        admin = KafkaAdminClient(bootstrap_servers=servers.broker)
        admin.create_topics([NewTopic(topics[0], 1, 1)])
        admin.close()
    return TopicResults(servers.broker, topics, contender.parse)


def _environment(
    contender: Contender, servers: Servers, log: Log, group: str, own: Path
) -> dict[str, str]:
    if contender.parse is None:
        settings = with_settings(log.settings, "peers", group=group)
        return settings.environment()
    return {
        "PEER_BROKER": servers.broker,
        "PEER_TOPICS": ",".join(log.topics),
        "PEER_GROUP": group,
        "PEER_OUT": group,
        "PEER_DIR": str(own),
    }


def _wait_until_read(watched: _Watched, servers: Servers, log: Log, group: str) -> None:
    """Wait until the group has committed every event, and every event that it re-keyed."""
    admin = KafkaAdminClient(bootstrap_servers=servers.broker)
    committed = 0
    try:
        while committed < 2 * log.events:
            watched.look(f"{committed} of {2 * log.events} offsets are committed")
            with contextlib.suppress(KafkaError):  # the group is not there yet
                found = admin.list_group_offsets(group)[group]
                committed = sum(max(place.offset, 0) for place in found.values())
    finally:
        admin.close()


def _wait_for_results(watched: _Watched, results: Results, log: Log) -> None:
    while wrong := _difference(results.read(), log):
        # One that has ended may have written its last results since they were read.
        watched.look(wrong if watched.runs else _difference(results.read(), log))
    watched.look("")


def _difference(found: Counts, log: Log) -> str:
    """Return in what the results differ from the recomputation; empty: in nothing."""
    compared = {place: counts for place, counts in found.items() if place[1] < log.end_ms}
    if compared == log.expected:
        return ""
    cells = sorted(compared.keys() | log.expected.keys())
    differing = [c for c in cells if compared.get(c) != log.expected.get(c)]
    shown = ", ".join(
        f"{c}: {compared.get(c)} for {log.expected.get(c)}" for c in differing[:_SHOWN]
    )
    return f"{len(differing)} of {len(cells)} cells differ: {shown}"


def _servers_cpu(servers: Servers) -> tuple[float, float]:
    used = (usage(servers.broker_pid), usage(servers.redis_pid))
    broker, redis = (0.0 if one is None else one.cpu_s for one in used)
    return broker, redis


def _peak_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0
