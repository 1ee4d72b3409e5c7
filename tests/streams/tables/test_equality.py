"""Memory and Redis are the same table: whatever is checkpointed, both read alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.checkpoint import Checkpoint
from streams.tables.merge import merge_panes
from tests.streams.tables.backends import PARTITIONS, Backend, MemoryBackend, RedisBackend
from tests.streams.tables.steps import claimed, hashes

if TYPE_CHECKING:
    import asyncio

    from streams.tables.base import PartitionTable, RungPanes

CELLS = st.sampled_from(["clicks", "value#sum\x1fcampaign\x1fspring", "ünïcode\x1f🜂"])
STARTS = st.integers(-2, 4).map(lambda pane: pane * 10_000)
SMALL = st.integers(-5, 5)
LARGE = st.integers(-(2**53) - 9, 2**53 + 9)
PANES = st.dictionaries(STARTS, st.dictionaries(CELLS, SMALL | LARGE, max_size=3), max_size=3)
HASHES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9), min_size=1, max_size=5)
SKETCHES = st.dictionaries(
    STARTS,
    st.dictionaries(st.just("visitors"), HASHES.map(lambda values: hashes(*values)), max_size=1),
    max_size=3,
)
RUNGS = st.sampled_from(["10s", "1m"])
PROCESSORS = st.sampled_from(["cart", "session"])
STATE_IDS = st.integers(0, 5).map(lambda number: number.to_bytes(16, "big"))
STATES = st.dictionaries(STATE_IDS, st.none() | st.binary(max_size=40), max_size=4)
STEPS = st.fixed_dictionaries(
    {
        "base": PANES,
        "base_sketches": SKETCHES,
        "rungs": st.dictionaries(RUNGS, PANES, max_size=2),
        "sketches": st.dictionaries(RUNGS, SKETCHES, max_size=2),
        "states": st.dictionaries(PROCESSORS, STATES, max_size=2),
        "timers": st.dictionaries(
            st.tuples(PROCESSORS, STATE_IDS), st.none() | st.integers(-9, 10**13), max_size=4
        ),
        "admitted": st.dictionaries(
            st.sampled_from(["a|x", "b|y"]),
            st.lists(st.text(st.characters(codec="utf-8"), max_size=4), max_size=3),
            max_size=2,
        ),
        "counters": st.dictionaries(st.sampled_from(["events", "late"]), SMALL | LARGE, max_size=2),
        "max_ts_ms": st.none() | st.integers(-(10**13), 10**13),
    }
)
EXPIRIES = st.dictionaries(RUNGS, STARTS, max_size=2)
# (partition, whether its owner changes first, the step's fields, what expires)
HISTORIES = st.lists(
    st.tuples(st.integers(0, PARTITIONS - 1), st.booleans(), STEPS, EXPIRIES), max_size=8
)
History = list[tuple[int, bool, dict[str, Any], dict[str, int]]]
EVERYTHING = {"cart": [n.to_bytes(16, "big") for n in range(6)], "session": [bytes(16)]}


async def play(backend: Backend, history: History) -> list[Any]:
    """Apply a history and return everything that can be read, after each step and at the end."""
    seen: list[Any] = []
    owners: dict[int, PartitionTable] = {}
    last: dict[int, tuple[int, int, int | None]] = {}
    for partition, change, fields, expire in history:
        if change or partition not in owners:
            owners[partition] = backend.table(partition)
            claim = await claimed(owners[partition], partitions=PARTITIONS)
            last[partition] = (claim.epoch, claim.number, claim.offset)
            seen.append(claim)
        epoch, number, offset = last[partition]
        step = Checkpoint(epoch, number + 1, offset, (offset or 0) + 7, **fields)
        table = owners[partition]
        await table.commit(step, expire_before=expire)
        await table.commit(step, expire_before=expire)
        last[partition] = (epoch, step.number, step.offset)
        due = await table.load_due(10**12, limit=3)
        seen += [list(due.items()), await table.load_states(EVERYTHING)]
    reader = backend.reader()
    seen += [await reader.panes(rung, -(10**6), 10**6) for rung in ("10s", "1m")]
    for who, progress in (await reader.progress()).items():
        seen.append((who, replace(progress, written_ms=None, writer="")))
    return seen


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
def test_memory_equals_redis(redis: RedisBackend, runner: asyncio.Runner, history: History) -> None:
    """Claims, states, timers, panes and progress are equal after every history."""

    async def law() -> None:
        await redis.drop()
        assert await play(redis, history) == await play(MemoryBackend(), history)

    runner.run(law())


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES, cut=st.integers(0, 8))
def test_followed_deltas_are_the_difference_of_snapshots(
    redis: RedisBackend, runner: asyncio.Runner, history: History, cut: int
) -> None:
    """A snapshot plus the deltas that follow it is the later snapshot, wherever it was taken."""
    # Without expiry, and with the base rung made of the base deltas, as the pipeline does.
    history = [
        (
            partition,
            change,
            fields
            | {"rungs": {"10s": fields["base"]}, "sketches": {"10s": fields["base_sketches"]}},
            {},
        )
        for partition, change, fields, _ in history
    ]

    async def law(backend: Backend) -> None:
        await backend.drop()
        for partition in range(PARTITIONS):
            await claimed(backend.table(partition))
        await play(backend, history[:cut])
        reader = backend.reader()
        before = await reader.snapshot({"10s": -(10**9)})
        await play(backend, [(who, True, fields, {}) for who, _, fields, _ in history[cut:]])
        found = await reader.follow({who: part.progress.position for who, part in before.items()})
        assert not found.reload
        for who, part in (await reader.snapshot({"10s": -(10**9)})).items():
            added: list[RungPanes] = [delta.base for delta in found.deltas if delta.id == who]
            assert merge_panes((before[who].rungs["10s"], *added)) == part.rungs["10s"]
            assert found.positions[who] == part.progress.position

    runner.run(law(redis))
    runner.run(law(MemoryBackend()))
