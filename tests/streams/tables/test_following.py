"""Snapshots and the deltas that follow them: neither misses nor repeats a checkpoint."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from streams.tables.base import PartitionId
from streams.tables.merge import merge_panes
from tests.streams.tables.backends import PARTITIONS
from tests.streams.tables.steps import after, claimed, counting, hashes

if TYPE_CHECKING:
    from processors.checkpoint import Checkpoint, Claim
    from streams.tables.base import PartitionTable, Position, RungPanes, TableReader
    from tests.streams.tables.backends import Backend

ZERO = PartitionId("tracking.ads", 0)
SOON_S = 5.0


async def positions(reader: TableReader) -> dict[PartitionId, Position]:
    """Return where a reader begins that takes a snapshot now."""
    return {who: part.progress.position for who, part in (await reader.snapshot({})).items()}


async def commits(table: PartitionTable, last: Claim | Checkpoint, count: int) -> Checkpoint:
    """Commit so many checkpoints and return the last."""
    steps = [step := counting(last)]
    steps += [step := counting(step) for _ in range(count - 1)]
    for step in steps:
        await table.commit(step, expire_before={})
    return step


async def test_deltas_are_what_the_checkpoints_added(tables: Backend) -> None:
    """Every checkpoint after the position comes once, in order, with what it added."""
    table = tables.table()
    claim = await claimed(table)
    start = await positions(tables.reader())
    first = after(
        claim,
        base={0: {"clicks": 2**60 // 20, "big": 10**16}},
        base_sketches={0: {"visitors": hashes(1, 1)}, 10: {"visitors": hashes(2)}},
        counters={"events": 3},
        max_ts_ms=None,
    )
    await table.commit(first, expire_before={})
    await table.commit(counting(first, -4), expire_before={})
    found = await tables.reader().follow(start)
    assert not found.reload
    assert [(d.id, d.epoch, d.position.number, d.offset, d.max_ts_ms) for d in found.deltas] == [
        (ZERO, 1, 1, 10, None),
        (ZERO, 1, 2, 20, 20_000),
    ]
    assert [(delta.base, delta.counters) for delta in found.deltas] == [
        (
            {
                0: {"clicks": 2**60 // 20, "big": 10**16, "visitors": frozenset({1})},
                10: {"visitors": frozenset({2})},
            },
            {"events": 3},
        ),
        ({0: {"clicks": -4}}, {}),
    ]
    assert not (await tables.reader().follow(found.positions)).deltas


async def test_new_owner_does_not_interrupt(tables: Backend) -> None:
    """Deltas lead on over a change of owner: nothing needs to be read anew."""
    table = tables.table()
    last = await commits(table, await claimed(table), 2)
    start = await positions(tables.reader())
    last = await commits(table, last, 1)
    table = tables.table()
    await commits(table, await claimed(table), 2)
    found = await tables.reader().follow(start)
    assert not found.reload
    assert [delta.position.number for delta in found.deltas] == [3, 4, 5]


async def test_reader_that_fell_behind_must_reload(tables: Backend) -> None:
    """Where the log does not reach back any more, no delta is given."""
    table = tables.table()
    claim = await claimed(table)
    start = await positions(tables.reader())
    cells = {0: {f"cell {i}": 1 for i in range(500)}}
    last: Claim | Checkpoint = claim
    for _ in range(200):
        last = after(last, base=cells, rungs={"10s": cells})
        await table.commit(last, expire_before={})
    found = await tables.reader().follow(start)
    assert (found.deltas, ZERO in found.positions) == ([], False)
    assert found.reload == {ZERO: "checkpoint 1 is not in the log any more"}


async def test_server_that_went_back_must_be_reloaded(tables: Backend) -> None:
    """A reader that saw checkpoints which the server forgot is told so at once."""
    table = tables.table()
    last = await commits(table, await claimed(table), 2)
    older = await tables.dump()
    await commits(table, last, 3)
    start = await positions(tables.reader())
    await tables.go_back(older)
    found = await tables.reader().follow(start)
    assert found.reload == {ZERO: "Redis went back: it has checkpoint 2, the reader 5"}


async def test_numbers_used_again_are_not_followed(tables: Backend) -> None:
    """After going back, another owner's checkpoints of the same numbers do not lead on."""
    table = tables.table()
    last = await commits(table, await claimed(table), 2)
    older = await tables.dump()
    await commits(table, last, 3)
    start = await positions(tables.reader())
    await tables.go_back(older)
    table = tables.table()
    last = await commits(table, await claimed(table), 3)
    found = await tables.reader().follow(start)  # the number is the same, the writer is not
    assert found.reload == {ZERO: "Redis went back: it has checkpoint 5, the reader 5"}
    await commits(table, last, 1)
    found = await tables.reader().follow(start)
    assert (found.deltas, list(found.reload)) == ([], [ZERO])


async def test_new_and_dropped_partitions_must_be_reloaded(tables: Backend) -> None:
    """A reader hears of partitions that appear and of those that are gone."""
    reader = tables.reader()
    await claimed(tables.table())
    found = await reader.follow({})
    assert found.reload == {PartitionId("tracking.ads", i): "it is new" for i in range(PARTITIONS)}
    start = await positions(reader)
    await tables.drop()
    found = await reader.follow(start)
    assert set(found.reload.values()) == {"its namespace was dropped"}
    assert await reader.snapshot({}, only=found.reload) == {}


async def test_snapshot_of_some_partitions_has_only_those(tables: Backend) -> None:
    """A reload reads what needs it, and nothing else."""
    table = tables.table()
    await commits(table, await claimed(table), 1)
    found = await tables.reader().snapshot({"10s": 0, "1m": 0}, only=[ZERO])
    assert {who: part.rungs for who, part in found.items()} == {
        ZERO: {"10s": {0: {"clicks": 1}}, "1m": {}}
    }


async def test_blocking_follow_returns_with_the_first_news(tables: Backend) -> None:
    """Waiting ends when something is committed, long before its time is over."""
    table = tables.table(1)
    last = await commits(table, await claimed(table), 1)
    reader = tables.reader()
    waiting = asyncio.ensure_future(reader.follow(await positions(reader), block_ms=60_000))
    await asyncio.sleep(0)
    assert not waiting.done()
    await commits(table, last, 1)
    found = await asyncio.wait_for(waiting, SOON_S)
    assert [delta.position.number for delta in found.deltas] == [2]


async def test_blocking_follow_ends_without_news(tables: Backend) -> None:
    """Without news waiting ends after its time, with nothing."""
    await claimed(tables.table())
    reader = tables.reader()
    began = time.monotonic()
    found = await reader.follow(await positions(reader), block_ms=60)
    assert (found.deltas, found.reload) == ([], {})
    assert 0.05 < time.monotonic() - began < SOON_S


async def test_snapshot_during_commits_is_followed_exactly(tables: Backend) -> None:
    """A snapshot taken while partitions are written, plus its deltas, is the final state."""
    owners = [tables.table(partition) for partition in range(PARTITIONS)]
    claims = [await claimed(owner) for owner in owners]

    async def write(owner: PartitionTable, last: Claim | Checkpoint) -> None:
        for step in range(60):
            panes = {start: {"clicks": step + 1} for start in range(step, step + 300, 3)}
            last = after(last, base=panes, rungs={"10s": panes})
            await owner.commit(last, expire_before={"10s": step})
            await asyncio.sleep(0)  # memory does not wait for anything by itself

    writers = [
        asyncio.ensure_future(write(owner, claim))
        for owner, claim in zip(owners, claims, strict=True)
    ]
    reader = tables.reader()
    sums: dict[PartitionId, RungPanes] = {}
    at: dict[PartitionId, Position] = {}
    reloads = 0
    finished = False
    while not finished:
        finished = all(writer.done() for writer in writers)
        await asyncio.sleep(0)
        found = await reader.follow(at)
        for delta in found.deltas:
            sums[delta.id] = merge_panes((sums[delta.id], delta.base))
        at = found.positions
        if found.reload:
            reloads += 1
            finished = False
            for who, part in (await reader.snapshot({"10s": 0}, only=found.reload)).items():
                sums[who] = part.rungs["10s"]
                at[who] = part.progress.position
    await asyncio.gather(*writers)
    stored = await reader.snapshot({"10s": 59})
    assert reloads >= 1
    for who, part in stored.items():
        kept = {start: cells for start, cells in sums[who].items() if start >= 59}
        assert part.rungs["10s"] == kept
        assert at[who] == part.progress.position
