"""One owner's checkpoints: what is due before the watermark is in the one that carries it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from processors.bundles import bundle
from processors.catalog.load import load_catalog
from processors.catalog.restrict import restrict
from processors.checkpoint import Checkpoint, Claim
from processors.event import tick_record
from processors.names import CUSTOMER, VISITOR
from processors.pipeline import PartitionPipeline, compile_plan
from streams.catalog_files import preset_sources
from streams.tables.memory_store import MemoryStore
from streams.tables.memory_table import MemoryTable
from streams.worker.patience import Patience
from streams.worker.tenure import DUE_PAGE, Tenure, Tools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

TIMERS = 2 * DUE_PAGE + 7


def test_only_events_that_count_say_what_time_it_is() -> None:
    """A partition that gets only dead letters and repetitions is silent: ticks are due there."""
    hour_ms = 3_600_000
    view = msgspec.json.encode(
        {"event_id": "e", "type": "page_view", "ts": hour_ms, "visitor_id": "v"}
    )
    tick = tick_record(hour_ms, 0)
    handed_over = bundle(CUSTOMER, 0, [])
    bot = view.replace(
        b'"e"', b'"b","traffic":"bot"'
    )  # counts for nothing, and has come all the same
    values = [b"{oops", view, view, bot, b"{oops", handed_over, tick]

    async def body() -> list[bool]:
        table = MemoryTable(MemoryStore(), "t", VISITOR, 0)
        claim = await table.claim(topic_id="", partitions=1, log_start=0, log_end=len(values))
        plan = compile_plan(restrict(load_catalog(preset_sources()), ["page_views"]))
        pipeline = PartitionPipeline(
            plan, claim, topic=VISITOR, partition=0, dedup_horizon=100, state_cache_max=100
        )
        nothing: Any = Nothing()
        tenure = Tenure(Tools(table, nothing, nothing, Patience("t[0]"), dict), pipeline, claim, 0)
        records = [(offset, hour_ms, None, value) for offset, value in enumerate(values)]
        return [(await tenure.apply([record])).says_time for record in records]

    assert asyncio.run(body()) == [False, True, False, True, False, False, True]


class Alarm:
    """A pipeline that is handed timers and takes them off in its next checkpoint."""

    restore_from = 1
    watermark_ms = 10**6
    unneeded = ()

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self.rung: dict[tuple[str, bytes], None] = {}

    def fire(self, due: Mapping[tuple[str, bytes], bytes | None]) -> None:
        """Take what is due."""
        assert not self.rung.keys() & due.keys(), "each is handed over once"
        self.rung |= dict.fromkeys(due)

    def drain(self, *, next_offset: int) -> Checkpoint:
        """Make a checkpoint."""
        number, offset = self._claim.number + 1, self._claim.offset
        timers: dict[Any, int | None] = dict(self.rung)
        return Checkpoint(0, number, offset, next_offset, self.watermark_ms, timers=timers)


class Nothing:
    """Dead letters and emissions that nobody wants."""

    is_full = False

    def add(self, *_: object) -> None:
        """Take some."""

    async def flush(self) -> None:
        """Publish none."""


def test_every_due_timer_is_in_the_checkpoint_that_carries_the_watermark() -> None:
    """However many cold timers fall due at once, no checkpoint is ahead of one that has not."""

    async def body() -> None:
        table = MemoryTable(MemoryStore(), "t", "topic", 0)
        bounds = {"topic_id": "", "partitions": 1, "log_start": 0, "log_end": 10}
        claim = await table.claim(**bounds)  # type: ignore[arg-type]
        timers = {("session", b"%016d" % n): n for n in range(TIMERS)}
        first = Checkpoint(claim.epoch, 1, None, 1, 0, timers=dict(timers))
        await table.commit(first, expire_before={})
        claim = await table.claim(**bounds)  # type: ignore[arg-type]
        alarm: Any = Alarm(claim)
        nothing: Any = Nothing()
        tools = Tools(table, nothing, nothing, Patience("t[0]"), dict)
        tenure = Tenure(tools, alarm, claim, 0)
        tenure.reached = 2
        seen: list[Checkpoint] = []
        await tenure.checkpoint(seen.append)
        assert [len(checkpoint.timers) for checkpoint in seen] == [TIMERS]
        assert await table.load_due(10**6) == {}

    asyncio.run(body())


class Letting(Alarm):
    """A pipeline that lets go what the table has of a processor that nobody needs."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim)
        self.unneeded: tuple[str, ...] = ("session", "cart")
        self._number, self._offset = claim.number, claim.offset
        self._gone: list[tuple[str, bytes]] = []

    def let_go(self, found: Sequence[tuple[str, bytes]]) -> None:
        """Have it go with the next checkpoint."""
        self._gone = list(found)
        if not found:
            self.unneeded = ()

    def drain(self, *, next_offset: int) -> Checkpoint:
        """Make a checkpoint."""
        self._number += 1
        states: dict[str, dict[bytes, bytes | None]] = {}
        for name, identity in self._gone:
            states.setdefault(name, {})[identity] = None
        checkpoint = Checkpoint(
            0, self._number, self._offset, next_offset, self.watermark_ms, states=states
        )
        self._offset = next_offset
        return checkpoint


def test_what_nobody_needs_goes_a_page_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many states there are, no checkpoint lets more go than its page."""
    monkeypatch.setattr("streams.worker.tenure.UNNEEDED_PAGE", 5)

    async def body() -> None:
        table = MemoryTable(MemoryStore(), "t", "topic", 0)
        bounds = {"topic_id": "", "partitions": 1, "log_start": 0, "log_end": 10}
        claim = await table.claim(**bounds)  # type: ignore[arg-type]
        ids = [b"%016d" % n for n in range(6)]
        states: Any = {name: dict.fromkeys(ids, b"s") for name in ("session", "cart", "ticket")}
        first = Checkpoint(claim.epoch, 1, None, 1, 0, states=states)
        await table.commit(first, expire_before={})
        claim = await table.claim(**bounds)  # type: ignore[arg-type]
        letting: Any = Letting(claim)
        nothing: Any = Nothing()
        tenure = Tenure(Tools(table, nothing, nothing, Patience("t[0]"), dict), letting, claim, 0)
        seen: list[Checkpoint] = []
        for reached in range(2, 8):
            tenure.reached = reached
            await tenure.checkpoint(seen.append)
        assert [sum(map(len, one.states.values())) for one in seen] == [5, 5, 2, 0, 0, 0]
        assert letting.unneeded == ()
        assert len(await table.some_states(["session", "cart", "ticket"], 100)) == 6

    asyncio.run(body())
