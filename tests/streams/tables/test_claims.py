"""When a claim is refused: what is stored does not belong to the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from processors.errors import AheadOfLogError, PartitionStoppedError
from tests.streams.tables.steps import claimed, counting

if TYPE_CHECKING:
    from tests.streams.tables.backends import Backend


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partitions": 4}, "has 4 partitions, but was counted with 3.*kpi repartition"),  # BAD!
        ({"topic_id": "id-2"}, r"created anew \(id id-2, counted was id-1\)"),  # BAD!
        ({"log_start": 11}, "next offset is 10, but the log begins at 11.*restore"),  # BAD!
        ({"log_end": 9}, "next offset is 10, but the log ends at 9"),  # BAD!
    ],
)
async def test_log_that_was_not_counted_stops_the_partition(
    tables: Backend, changes: dict[str, Any], message: str
) -> None:
    """Another log than the counted one is refused with the way back, and changes nothing."""
    table = tables.table()
    await table.commit(counting(await claimed(table)), expire_before={})
    before = await tables.dump()
    with pytest.raises(PartitionStoppedError, match=f"tracking.ads/0 stopped: .*{message}"):
        await claimed(tables.table(), **changes)
    assert await tables.dump() == before


@pytest.mark.parametrize("changes", [{"log_start": 10}, {"log_end": 10}, {"topic_id": ""}])
async def test_log_that_just_fits_is_claimed(tables: Backend, changes: dict[str, Any]) -> None:
    """The stored offset may be the log's first or its end, and a topic id may be unknown."""
    table = tables.table()
    await table.commit(counting(await claimed(table)), expire_before={})
    assert (await claimed(tables.table(), **changes)).offset == 10


async def test_claim_past_the_end_tells_how_far_it_was_counted(tables: Backend) -> None:
    """Whoever asked for the log's end too early can ask again and compare."""
    table = tables.table()
    await table.commit(counting(await claimed(table)), expire_before={})
    with pytest.raises(AheadOfLogError) as refused:
        await claimed(tables.table(), log_end=9)
    assert refused.value.offset == 10


async def test_topic_id_is_learnt_later(tables: Backend) -> None:
    """A topic counted before its id was known is held to the first id that is told."""
    await claimed(tables.table(), topic_id="")
    await claimed(tables.table(), topic_id="id-7")
    await claimed(tables.table(), topic_id="")
    with pytest.raises(PartitionStoppedError, match="created anew"):
        await claimed(tables.table(), topic_id="id-8")


async def test_other_partitions_of_a_changed_topic_stop_too(tables: Backend) -> None:
    """The number of partitions and the topic's id hold for partitions never claimed as well."""
    await claimed(tables.table(0))
    with pytest.raises(PartitionStoppedError, match="was counted with 3"):
        await claimed(tables.table(3), partitions=4)
    with pytest.raises(PartitionStoppedError, match="created anew"):
        await claimed(tables.table(1), topic_id="id-2")


async def test_lost_tables_stop_the_partition(tables: Backend) -> None:
    """A partition that had a checkpoint does not begin anew because its tables are gone."""
    table = tables.table()
    await table.commit(counting(await claimed(table)), expire_before={})
    await tables.lose(0)
    with pytest.raises(PartitionStoppedError, match=r"tables are gone.*restore the tables' backup"):
        await claimed(tables.table())
    assert (await claimed(tables.table(1))).offset is None


async def test_tables_lost_before_the_first_checkpoint_are_no_loss(tables: Backend) -> None:
    """Nothing was counted before the first checkpoint, so the partition begins anew."""
    await claimed(tables.table())
    await tables.lose(0)
    assert (await claimed(tables.table())).offset is None


async def test_records_deleted_before_the_first_checkpoint_stop_the_partition(
    tables: Backend,
) -> None:
    """Records that were there at the first claim and are deleted uncounted are not passed over."""
    await claimed(tables.table(), log_start=5)
    await claimed(tables.table(), log_start=5)
    with pytest.raises(PartitionStoppedError, match="next offset is 5, but the log begins at 6"):
        await claimed(tables.table(), log_start=6)


async def test_mark_follows_a_registry_that_went_back(tables: Backend) -> None:
    """After the registry lost its mark, the next owner's first checkpoint sets it again."""
    claim = await claimed(tables.table())
    assert claim.number == 0
    table = tables.table()
    step = counting(await claimed(table))
    await table.commit(step, expire_before={})
    table = tables.table()
    claim = await claimed(table)
    await table.commit(counting(claim), expire_before={})
    await tables.lose(0)
    with pytest.raises(PartitionStoppedError, match="tables are gone"):
        await claimed(tables.table())
