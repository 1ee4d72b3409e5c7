"""Owners that die, linger, retry and see the server go back: each record still counts once.

::

    log         r0 r1 r2 r3 r4 ...        record i adds i + 1
    stored      offset ------^            what is counted is always the sum of the records before it
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.checkpoint import Checkpoint
from processors.errors import FencedError
from tests.streams.tables.backends import Backend, MemoryBackend, RedisBackend
from tests.streams.tables.steps import claimed

if TYPE_CHECKING:
    from processors.checkpoint import Claim
    from streams.tables.base import PartitionTable

OWNERS = 3
# (owner, what it does, how many records)
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, OWNERS - 1),
        st.sampled_from(["claim", "commit", "commit", "commit", "retry", "save", "go back"]),
        st.integers(1, 5),
    ),
    min_size=8,
    max_size=30,
)


@dataclass
class Owner:
    """A worker's view of its partition; it does not know when it has lost it."""

    table: PartitionTable
    claim: Claim
    last: Checkpoint | None = None

    def next_checkpoint(self, records: int) -> Checkpoint:
        """Return the checkpoint that counts so many further records."""
        done = self.last or self.claim
        offset = done.offset or 0
        panes = {0: {"sum": sum(range(offset + 1, offset + records + 1))}}
        return Checkpoint(
            epoch=self.claim.epoch,
            number=done.number + 1,
            expected_offset=done.offset,
            offset=offset + records,
            max_ts_ms=offset,
            base=panes,
            rungs={"10s": panes},
            counters={"events": records},
        )


async def act(backend: Backend, owners: dict[int, Owner], action: tuple[int, str, int]) -> None:
    """Let an owner do something; being fenced ends its ownership."""
    number, what, records = action
    if what == "claim":
        table = backend.table()
        owners[number] = Owner(table, await claimed(table))
        return
    owner = owners.get(number)
    if owner is None:
        return
    step = owner.last if what == "retry" else owner.next_checkpoint(records)
    if step is not None:
        try:
            await owner.table.commit(step, expire_before={})
            owner.last = step
        except FencedError:
            del owners[number]


async def check(backend: Backend) -> None:
    """Demand that what is counted is the sum of the records before the stored offset."""
    for progress in (await backend.reader().progress()).values():
        offset = progress.offset or 0
        assert progress.counters.get("events", 0) == offset
        if offset:
            panes = await backend.reader().panes("10s", 0, 1)
            assert panes == {0: {"sum": offset * (offset + 1) // 2}}


async def play(backend: Backend, actions: list[tuple[int, str, int]]) -> None:
    """Play a history and check after every action."""
    owners: dict[int, Owner] = {}
    saved: Any = None
    await claimed(backend.table())
    for action in actions:
        if action[1] == "save":
            saved = await backend.dump()
        elif action[1] == "go back":
            if saved is not None:
                await backend.go_back(saved)
        else:
            await act(backend, owners, action)
        await check(backend)


@settings(max_examples=200, deadline=None)
@given(actions=ACTIONS)
def test_each_record_counts_once_in_memory(actions: list[tuple[int, str, int]]) -> None:
    """Whatever owners do and the server forgets, the count belongs to the offset (memory)."""
    with asyncio.Runner() as runner:
        runner.run(play(MemoryBackend(), actions))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=ACTIONS)
def test_each_record_counts_once_in_redis(
    redis: RedisBackend, runner: asyncio.Runner, actions: list[tuple[int, str, int]]
) -> None:
    """Whatever owners do and the server forgets, the count belongs to the offset (Redis)."""

    async def law() -> None:
        await redis.drop()
        await play(redis, actions)

    runner.run(law())
