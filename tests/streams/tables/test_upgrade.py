"""Two versions of the program on one namespace: a partition is the newer one's for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import FencedError, PartitionStoppedError
from processors.schema import SCHEMA, Schema
from tests.streams.tables.steps import claimed, counting

if TYPE_CHECKING:
    from tests.streams.tables.backends import Backend

NEWER = Schema((*SCHEMA.steps, {}))
NEWEST = Schema((*NEWER.steps, {}))


async def test_newer_program_goes_on_where_the_older_one_was(tables: Backend) -> None:
    """Offset, number and states are taken over; what the older owner still writes is refused."""
    older = tables.table()
    step = counting(await claimed(older))
    step.states["session"] = {b"i" * 16: b"state"}
    await older.commit(step, expire_before={})
    newer = tables.table(schema=NEWER)
    claim = await claimed(newer)
    assert (claim.offset, claim.number) == (step.offset, step.number)
    with pytest.raises(FencedError, match="schema"):
        await older.commit(counting(claim), expire_before={})
    await newer.commit(counting(claim), expire_before={})
    assert await newer.load_states({"session": [b"i" * 16]}) == {("session", b"i" * 16): b"state"}


async def test_older_program_leaves_a_partition_of_a_newer_one_alone(tables: Backend) -> None:
    """It would not understand the states: it says so, and changes nothing."""
    newer = tables.table(schema=NEWER)
    await newer.commit(counting(await claimed(newer)), expire_before={})
    before = await tables.stored()
    words = f"have schema {NEWER.version}, this program {SCHEMA.version}: a newer program has"
    with pytest.raises(PartitionStoppedError, match=f"{words} .*Upgrade this program"):
        await claimed(tables.table())
    assert await tables.stored() == before


async def test_both_run_side_by_side(tables: Backend) -> None:
    """During a rolling restart each version claims and commits partitions of its own."""
    for _ in range(2):
        older, newer = tables.table(0), tables.table(1, schema=NEWER)
        for table in (older, newer):
            claim = await claimed(table)
            if claim.offset is None:
                await table.commit(counting(claim), expire_before={})


async def test_upgrades_follow_one_another(tables: Backend) -> None:
    """The next version takes over too, whether or not every state was written since."""
    for schema in (SCHEMA, NEWER, NEWEST, NEWEST):
        await claimed(tables.table(schema=schema))
    with pytest.raises(PartitionStoppedError, match=f"have schema {NEWEST.version}"):
        await claimed(tables.table(schema=NEWER))
