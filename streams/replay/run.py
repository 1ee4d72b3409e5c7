"""A replay from the files to the last checkpoint."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from processors.errors import UsageError
from processors.names import CUSTOMER, LIVE_NAMESPACE
from streams.catalog_files import read_catalog
from streams.replay.arrival import wait_until_checkpointed
from streams.replay.pace import Pace, shift_to_now_ms
from streams.replay.publish import Delivered, Publisher
from streams.replay.rows import place
from streams.replay.seal import seal, seal_ts_ms
from streams.replay.workers import worker_running, worker_spec
from streams.supervisor.tree import Supervisor
from streams.topics import create_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.replay.sources import Files
    from streams.settings import Settings
    from streams.tables.base import PartitionId

    Report = Callable[[str, int, int], None]  # what is being done, how much of it, of how much

PUBLISHING: Final = "published"
CHECKPOINTING: Final = "checkpointed"
_REPORT_ROWS: Final = 1_000
_JOIN_LOOK_S: Final = 0.5
_JOIN_WAIT_S: Final = 10.0  # a live worker may have been started a moment ago


@dataclass(frozen=True)
class Replayed:
    """What a replay did.

    Attributes:
        delivered: records by partition, seals included, and the offsets one past them; where the
            log is sealed, of what was passed on too.
        events: records published from the files.
        last_ts_ms: the largest event time, shifted where asked for.
        sealed_ms: the last tick's time; None where the log was not sealed.
        publish_s, total_s: until the last record was acknowledged, until it was checkpointed.
    """

    delivered: Delivered
    events: int
    last_ts_ms: int
    sealed_ms: int | None
    publish_s: float
    total_s: float


def replay(
    settings: Settings,
    files: Files,
    *,
    speed: float | None = None,
    shift_to_now: bool = False,
    report: Report = lambda *_: None,
    say: Callable[[str], None] = lambda _: None,
) -> Replayed:
    """Publish every row, seal the log, and wait for the last checkpoint.

    A namespace other than live gets a worker for the time of the replay where it has none.

    Args:
        settings: broker, Redis and namespace.
        files: what to publish, from :func:`streams.replay.sources.open_files`.
        speed: times real time; None is as fast as possible.
        shift_to_now: add the same to every ts, so that the last row goes out at its own time.
        report: gets the progress.
        say: gets a line where something is worth knowing.

    Raises:
        UsageError: nobody reads the live namespace.
        UnreachableError: broker or Redis is away or refused, or a record was not delivered.
        CheckFailedError: the worker does not get on.
        ChildFailedError: the temporary worker ended.
        StopRequested: SIGINT or SIGTERM came.
    """
    started = time.monotonic()
    shift_ms = 0
    if shift_to_now:
        shift_ms = shift_to_now_ms(files.first_ts_ms, files.last_ts_ms, speed, _now_ms())
    last_ts_ms = files.last_ts_ms + shift_ms
    sealed_ms = _sealed_ms(settings, last_ts_ms, say)
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor(report=say))
        if settings.namespace == LIVE_NAMESPACE:
            _require_worker(settings, supervisor)
        else:
            create_topics(settings)
            _ensure_worker(settings, supervisor, stack)
        with Publisher(settings) as publisher:
            pace = Pace(speed, files.first_ts_ms + shift_ms, supervisor.pause)
            for number, row in enumerate(files.rows()):
                if number % _REPORT_ROWS == 0:
                    supervisor.pause(0)
                    report(PUBLISHING, number, files.count)
                shifted = row.shifted(shift_ms)
                pace.wait(shifted.ts_ms)
                publisher.send(*place(shifted.event), shifted.value, shifted.ts_ms)
            delivered = publisher.flush()
        report(PUBLISHING, files.count, files.count)
        publish_s = time.monotonic() - started
        wait_until_checkpointed(
            settings,
            delivered.next_offsets,
            check=lambda: supervisor.pause(0),
            report=lambda left: report(
                CHECKPOINTING, max(0, delivered.total - left), delivered.total
            ),
        )
        if sealed_ms is not None:
            delivered = _seal(settings, sealed_ms, delivered, supervisor)
    total_s = time.monotonic() - started
    return Replayed(delivered, files.count, last_ts_ms, sealed_ms, publish_s, total_s)


def _seal(
    settings: Settings, sealed_ms: int, delivered: Delivered, supervisor: Supervisor
) -> Delivered:
    """Seal every partition once nothing is under way; return what is delivered with it.

    ::

        events checkpointed ─> all that is passed on to customers is in their log
        that checkpointed ───> all that is handed over to visitors is in theirs: behind it the seal
    """

    def wait(next_offsets: Mapping[PartitionId, int]) -> None:
        wait_until_checkpointed(
            settings, next_offsets, check=lambda: supervisor.pause(0), report=lambda _: None
        )

    with Publisher(settings) as publisher:
        seal(publisher, sealed_ms, (CUSTOMER,))
        wait(publisher.flush().next_offsets)
        seal(publisher, sealed_ms)
        sealed = publisher.flush()
    wait(sealed.next_offsets)
    records = delivered.records.copy()
    for who, number in sealed.records.items():
        records[who] = records.get(who, 0) + number
    return Delivered(records, sealed.next_offsets)


def _sealed_ms(settings: Settings, last_ts_ms: int, say: Callable[[str], None]) -> int | None:
    """Return the seal's time, None where it would put the live namespace's clock ahead."""
    sealed_ms = seal_ts_ms(last_ts_ms, read_catalog(settings).defaults)
    if settings.namespace != LIVE_NAMESPACE:
        return sealed_ms
    if sealed_ms > _now_ms():
        say("not sealed: the live worker's ticks make the last windows final as the clock moves on")
        return None
    if settings.tick_interval_ms:
        say(
            "the live namespace's clock is ahead of these events: they count as late, and sessions,"
            " carts and tickets do not take them; --shift-to-now or --namespace would"
        )
    return sealed_ms


def _ensure_worker(settings: Settings, supervisor: Supervisor, stack: ExitStack) -> None:
    if not worker_running(settings):
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="kpi-replay-"))
        supervisor.start(worker_spec(settings, Path(directory) / "worker.log"))


def _require_worker(settings: Settings, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + _JOIN_WAIT_S
    while not worker_running(settings):
        if time.monotonic() > deadline:
            raise UsageError(
                "no worker reads the namespace live: start `kpi up` or `kpi worker`, or replay into"
                " another --namespace, which gets a worker of its own"
            )
        supervisor.pause(_JOIN_LOOK_S)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
