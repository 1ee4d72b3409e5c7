"""Workers that are killed, frozen, added, taken away and restarted under load."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import pytest

from processors.schema import SCHEMA
from streams.tables.connection import call, open_client
from streams.tables.registry import read_partitions
from tests.faults.field import at_work
from tests.support import generations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.crew import Hand
    from tests.faults.field import Field
    from tests.faults.report import Report

pytestmark = [pytest.mark.faults, pytest.mark.brokers]
GROUP = "Workers"
ASSIGNED = "partitions assigned"


def test_killed_at_random_moments(
    make_field: Callable[..., Field], report: Report, broker_kind: str, is_long: bool
) -> None:
    """A worker that is killed at any moment has lost nothing and doubled nothing."""
    kills, chance = (20, random.Random(7)) if is_long else (4, random.Random(8))
    with at_work(make_field(seed=11)) as field:
        (hand,) = field.crew.hands
        for number in range(kills):
            time.sleep(chance.uniform(0.0, 5.0))
            hand.kill()
            if number % 4 == 3:  # else again before or while it recovers
                field.recover()
        field.recover()
        assert hand.ends == [-9] * kills
        verdict = field.finish()
        assert field.crew.dismiss(hand) == 0
    seen = "`partitions assigned` by its successor, which goes on from the checkpoint"
    report.add(GROUP, f"SIGKILL at {kills} random moments", broker_kind, seen, field, verdict)


def test_zombie(make_field: Callable[..., Field], report: Report, broker_kind: str) -> None:
    """A worker that slept through its replacement wakes up, and its checkpoint is refused."""
    with at_work(make_field(seed=12)) as field:
        (sleeper,) = field.crew.hands
        sleeper.freeze()
        field.crew.hire()
        field.recover()  # only another owner can
        field.flow()
        sleeper.thaw()
        field.until(lambda: sleeper.said("another worker has claimed it"), "its flush is fenced")
        field.recover()
        verdict = field.finish()
    seen = "`another worker has claimed it: ... refused, nothing was changed`"
    report.add(GROUP, "SIGSTOP, replaced, SIGCONT (zombie)", broker_kind, seen, field, verdict)


@pytest.mark.long
def test_more_and_fewer(make_field: Callable[..., Field], report: Report, broker_kind: str) -> None:
    """One worker, three, then two under load: every handover is exact."""
    with at_work(make_field(seed=13)) as field:
        (first,) = field.crew.hands
        for hand in (field.crew.hire(), field.crew.hire()):
            field.until(lambda hand=hand: hand.said(ASSIGNED), "it has its part")  # type: ignore[misc]
        field.recover()
        field.flow()
        assert field.crew.dismiss(first) == 0
        field.recover()
        verdict = field.finish()
    seen = "`partitions assigned`; the one that leaves writes its last checkpoints"
    report.add(GROUP, "1, then 3, then 2 workers", broker_kind, seen, field, verdict)


@pytest.mark.long
def test_rolling_restart(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """Workers that are restarted one after the other, in order, hand over exactly."""
    with at_work(make_field(seed=14), workers=2) as field:
        for hand in list(field.crew.hands):
            assert field.crew.dismiss(hand) == 0
            field.crew.hire()
            field.recover()
        verdict = field.finish()
    seen = "exit code 0, then `partitions assigned`"
    report.add(GROUP, "SIGTERM, one after the other", broker_kind, seen, field, verdict)


GENERATION = "tests.faults.generation"
OLDER, NEWER = ({"module": GENERATION, "GENERATION": name} for name in ("older", "newer"))
REFUSED = "a newer program has taken it over"


def schemas(field: Field) -> set[tuple[str, str]]:
    """Return the schemas of all partitions: (the owner's, the oldest state's; empty: the same)."""

    async def ask() -> list[list[bytes | None]]:
        client = open_client(field.valkey.url)
        try:
            found = await read_partitions(client, field.settings.namespace)
            fields = ("schema", "oldest_schema")
            return [await call(client, "HMGET", keys.meta, *fields) for keys in found.values()]
        finally:
            await client.aclose()

    return {
        ((owner or b"").decode(), (oldest or b"").decode()) for owner, oldest in asyncio.run(ask())
    }


def test_rolling_upgrade(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """A version that stores states in another way takes over what it finds, and loses nothing."""
    with at_work(make_field(seed=16), workers=0) as field:
        older = [field.crew.hire(**OLDER) for _ in range(2)]
        field.flow()
        field.recover()
        was, now = str(SCHEMA.version), str(generations.NEWER.version)
        for hand, after in zip(older, ({(was, ""), (now, was)}, {(now, was)}), strict=True):
            assert field.crew.dismiss(hand) == 0
            field.crew.hire(**NEWER)
            field.until(lambda after=after: schemas(field) == after, "each has its part")  # type: ignore[misc]
            field.flow()
            field.recover()
        verdict = field.finish()
    seen = "exit code 0, then `partitions assigned`; both versions run side by side meanwhile"
    fault = "rolling upgrade across a state-schema change"
    report.add(GROUP, fault, broker_kind, seen, field, verdict)


@pytest.mark.long
def test_older_version_after_a_newer(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """A downgrade is refused in words, changes nothing, and the newer version goes on."""
    with at_work(make_field(seed=17), workers=0) as field:
        newer = field.crew.hire(**NEWER)
        field.flow()
        assert field.crew.dismiss(newer) == 0
        older = field.crew.hire(**OLDER)
        field.until(lambda: older.said(REFUSED), "it is refused")
        before = field.progress()
        assert field.crew.dismiss(older) == 0
        assert field.progress() == before
        field.crew.hire(**NEWER)
        field.recover()
        verdict = field.finish()
    seen = f"`is stopped`: `{REFUSED}`, alert PipelinePartitionStopped; the newer version started"
    report.add(GROUP, "older version started after a newer one", broker_kind, seen, field, verdict)


@pytest.mark.long
def test_static_member(make_field: Callable[..., Field], report: Report, broker_kind: str) -> None:
    """A killed worker with a name takes its partitions up again while the others go on."""
    if broker_kind == "embedded":
        pytest.skip("the embedded broker has no static membership")

    def assignments(hand: Hand) -> int:
        return hand.log.read_text().count(ASSIGNED)

    with at_work(make_field(seed=15, session_timeout_ms=20_000), workers=0) as field:
        stays, falls = (field.crew.hire(KPI_INSTANCE_ID=name) for name in ("stays", "falls"))
        both = (stays, falls)
        field.until(lambda: all(hand.said(f" 12 {ASSIGNED}") for hand in both), "each has half")
        field.flow()
        before = assignments(stays)
        for _ in range(2):
            falls.kill()
            field.recover()
        assert assignments(stays) == before, "there was no rebalance"
        verdict = field.finish()
    seen = "nothing at the other workers: no rebalance"
    fault = "SIGKILL of one with `KPI_INSTANCE_ID`"
    report.add(GROUP, fault, broker_kind, seen, field, verdict)
