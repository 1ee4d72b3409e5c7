"""Workers that are killed, frozen, added, taken away and restarted under load."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.field import at_work

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
