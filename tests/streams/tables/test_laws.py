"""The laws of claims, checkpoints, states and timers, on every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import FencedError, PartitionStoppedError
from processors.sketch import hash_int
from streams.tables.base import PartitionId
from tests.streams.tables.steps import after, claimed, counting, hashes

if TYPE_CHECKING:
    from tests.streams.tables.backends import Backend

FOREVER = 10**15
ZERO = PartitionId("tracking.ads", 0)


async def test_first_claim_has_no_progress(tables: Backend) -> None:
    """A partition never checkpointed has epoch 1, number 0 and no offset."""
    claim = await claimed(tables.table())
    assert (claim.epoch, claim.number, claim.offset, claim.max_ts_ms) == (1, 0, None, None)
    assert claim.admitted == {}


async def test_claim_hands_over_what_was_checkpointed(tables: Backend) -> None:
    """The next owner gets number, offset, event time and a higher epoch."""
    first = tables.table()
    step = counting(await claimed(first), offset=77, max_ts_ms=123)
    await first.commit(step, expire_before={})
    claim = await claimed(tables.table())
    assert (claim.epoch, claim.number, claim.offset, claim.max_ts_ms) == (2, 1, 77, 123)


async def test_negative_and_absent_event_times_survive(tables: Backend) -> None:
    """The largest event time may be before 1970, or none."""
    table = tables.table()
    claim = await claimed(table)
    await table.commit(step := counting(claim, max_ts_ms=None), expire_before={})
    assert (await claimed(tables.table())).max_ts_ms is None
    table = tables.table()
    claim = await claimed(table)
    await table.commit(after(claim, max_ts_ms=-5, offset=step.offset + 1), expire_before={})
    assert (await claimed(tables.table())).max_ts_ms == -5


async def test_retry_of_an_applied_checkpoint_changes_nothing(tables: Backend) -> None:
    """Committing the stored number again succeeds without effect."""
    table = tables.table()
    step = counting(await claimed(table), counters={"events": 1})
    await table.commit(step, expire_before={})
    before = await tables.stored()
    await table.commit(step, expire_before={"10s": FOREVER})
    assert await tables.stored() == before


async def test_older_owner_is_fenced_by_epoch(tables: Backend) -> None:
    """After another claim the older owner's checkpoint changes nothing."""
    zombie, owner = tables.table(), tables.table()
    step = counting(await claimed(zombie))
    await claimed(owner)
    before = await tables.stored()
    with pytest.raises(FencedError, match="epoch is 2 in the table, 1 here"):
        await zombie.commit(step, expire_before={})
    assert await tables.stored() == before


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"number": 3}, "number is 1 in the table, 3 here"),  # BAD! skips one
        ({"number": 1, "offset": 11}, "number is 1"),  # BAD! the same number, another content
        ({"expected_offset": 9}, "offset is 10 in the table, 9 here"),  # BAD! not the stored one
        ({"expected_offset": None}, "offset is 10 in the table, none here"),  # BAD! not the first
    ],
)
async def test_checkpoint_that_does_not_follow_is_fenced(
    tables: Backend, fault: dict[str, int], message: str
) -> None:
    """A checkpoint applies only to the number and offset that it was made for."""
    table = tables.table()
    step = counting(await claimed(table))
    await table.commit(step, expire_before={})
    follower = counting(step)
    for name, value in fault.items():
        setattr(follower, name, value)
    before = await tables.stored()
    with pytest.raises(FencedError, match=message):
        await table.commit(follower, expire_before={})
    assert await tables.stored() == before


async def test_first_checkpoint_expects_no_offset(tables: Backend) -> None:
    """Where nothing is stored, a checkpoint that continues something is fenced."""
    table = tables.table()
    step = counting(await claimed(table))
    step.expected_offset = 0
    with pytest.raises(FencedError, match="offset is none in the table, 0 here"):
        await table.commit(step, expire_before={})


async def test_table_is_of_no_use_before_its_claim(tables: Backend) -> None:
    """Without a claim nothing can be read or written."""
    table = tables.table()
    with pytest.raises(FencedError, match="claim"):
        await table.load_due(0)
    with pytest.raises(FencedError, match="claim"):
        await table.load_states({"cart": [b"x" * 16]})


async def test_going_back_is_an_older_offset(tables: Backend) -> None:
    """A server that lost its newest writes fences the owner and hands out the older offset."""
    table = tables.table()
    steps = [counting(await claimed(table))]
    await table.commit(steps[-1], expire_before={})
    older = await tables.dump()
    steps.append(counting(steps[-1]))
    await table.commit(steps[-1], expire_before={})
    await tables.go_back(older)
    with pytest.raises(FencedError, match="number is 1 in the table, 3 here"):
        await table.commit(counting(steps[-1]), expire_before={})
    claim = await claimed(tables.table())
    assert (claim.number, claim.offset) == (1, 10)
    assert await tables.reader().panes("10s", 0, 1) == {0: {"clicks": 1}}


async def test_number_used_again_after_going_back_is_not_a_retry(tables: Backend) -> None:
    """An owner from before the roll-back is fenced, even at the number that its successor wrote."""
    zombie, owner = tables.table(), tables.table()
    older_claim = await claimed(tables.table())
    assert older_claim.epoch == 1
    older = await tables.dump()
    lost = counting(await claimed(zombie))
    await tables.go_back(older)
    claim = await claimed(owner)
    assert claim.epoch == lost.epoch  # the epochs are the same, the claims are not
    await owner.commit(counting(claim), expire_before={})
    with pytest.raises(FencedError, match="claim is"):
        await zombie.commit(lost, expire_before={})


async def test_commit_to_lost_tables_is_fenced(tables: Backend) -> None:
    """Where the tables are gone, a checkpoint does not make new ones."""
    table = tables.table()
    step = counting(await claimed(table))
    await table.commit(step, expire_before={})
    await tables.lose(0)
    with pytest.raises(FencedError, match="state is none in the table"):
        await table.commit(counting(step), expire_before={})


async def test_integers_add_exactly(tables: Backend) -> None:
    """Sums past 2^53 lose nothing, in either direction."""
    table = tables.table()
    step = None
    total = 0
    claim = await claimed(table)
    for delta in (2**52 - 1, 1, 2**53 + 1, 3, -(2**54) - 7, 10**17 - 1, -(10**17) + 1, 1, -5):
        step = counting(step or claim, delta)
        await table.commit(step, expire_before={})
        total += delta
        assert await tables.reader().panes("10s", 0, 1) == {0: {"clicks": total}}


@pytest.mark.parametrize("delta", [10**17, -(10**17), 2**70])
async def test_delta_out_of_range_stops(tables: Backend, delta: int) -> None:
    """A delta of 10^17 or more is named, and nothing of its checkpoint is applied."""
    table = tables.table()
    step = counting(
        await claimed(table), rungs={"1m": {0: {"fine": 1}}, "10s": {0: {"bad": delta}}}
    )
    before = await tables.stored()
    with pytest.raises(PartitionStoppedError, match=rf"cell 10s:0 bad: .*{delta}"):
        await table.commit(step, expire_before={})
    assert await tables.stored() == before


async def test_error_midway_leaves_nothing(tables: Backend) -> None:
    """A stored integer out of range stops the whole checkpoint, whatever stands before it."""
    table = tables.table()
    big = 10**17 - 1
    step = counting(await claimed(table), rungs={"1d": {0: {"money": big}}})
    await table.commit(step, expire_before={})
    await table.commit(step := counting(step, rungs={"1d": {0: {"money": 1}}}), expire_before={})
    before = await tables.stored()
    everything = after(
        step,
        rungs={
            "10s": {pane: {f"cell {i}": 1 for i in range(50)} for pane in range(5)},
            "1d": {0: {"money": 1}},
        },
        sketches={"10s": {0: {"visitors": hashes(1)}}},
        states={"cart": {b"x" * 16: b"state"}},
        timers={("cart", b"x" * 16): 5},
        admitted={"scope": ["a"]},
        counters={"events": 1},
    )
    with pytest.raises(PartitionStoppedError, match=f"cell 1d:0 money: stored {10**17}, to add 1"):
        await table.commit(everything, expire_before={"10s": FOREVER})
    assert await tables.stored() == before


async def test_counters_add(tables: Backend) -> None:
    """Pipeline counters are sums over all checkpoints, and go down where told."""
    table = tables.table()
    step = after(await claimed(table), counters={"events": 5, "rejected:too_large": 1})
    await table.commit(step, expire_before={})
    await table.commit(after(step, counters={"events": 7, "late": -2}), expire_before={})
    progress = (await tables.reader().progress())[ZERO]
    assert progress.counters == {"events": 12, "rejected:too_large": 1, "late": -2}


async def test_sketches_unite(tables: Backend) -> None:
    """Distinct counts are sets: a hash added twice is there once."""
    table = tables.table()
    step = after(await claimed(table), sketches={"10s": {0: {"visitors": hashes(1, 2**64 - 1)}}})
    await table.commit(step, expire_before={})
    step = after(step, sketches={"10s": {0: {"visitors": hashes(2**64 - 1, 5)}}})
    await table.commit(step, expire_before={})
    panes = await tables.reader().panes("10s", 0, 1)
    assert panes == {0: {"visitors": frozenset({1, 5, 2**64 - 1})}}


ALIKE = [number * 3 for number in range(4000)]  # they differ in their lowest bits only
SPREAD = [hash_int(str(number)) for number in range(14_000)]
STEPPED = [2**63 + (number << 40) for number in range(9_000)]


@pytest.mark.parametrize(
    "every",
    [ALIKE + STEPPED, SPREAD, STEPPED[::-1], SPREAD[:3000] * 5, [7] * 20_000],
    ids=["alike", "spread", "falling", "repeated", "one"],
)
async def test_sketch_keeps_the_smallest_hashes(tables: Backend, every: list[int]) -> None:
    """However many hashes come in whatever order, the 2048 smallest are what is read."""
    table = tables.table()
    claim = await claimed(table)
    step = None
    shuffled = [every[i * 7919 % len(every)] for i in range(len(every))]
    for at in range(0, len(every), 2_500):
        batch = hashes(*shuffled[at : at + 2_500])
        step = after(step or claim, sketches={"10s": {0: {"visitors": batch}}})
        await table.commit(step, expire_before={})
    panes = await tables.reader().panes("10s", 0, 1)
    assert panes == {0: {"visitors": frozenset(sorted(set(every))[:2048])}}


async def test_many_large_sketches_are_exact_in_one_checkpoint(tables: Backend) -> None:
    """More sketches than one checkpoint compacts are read alike before and after."""
    table = tables.table()
    claim = await claimed(table)
    cells = {f"visitors {i}": hashes(*SPREAD[i : i + 9_000]) for i in range(12)}
    expected = {f"visitors {i}": frozenset(sorted(SPREAD[i : i + 9_000])[:2048]) for i in range(12)}
    step = None
    for _ in range(3):
        step = after(step or claim, sketches={"10s": {0: cells}})
        await table.commit(step, expire_before={})
        assert await tables.reader().panes("10s", 0, 1) == {0: expected}


async def test_admitted_values_accumulate_in_order(tables: Backend) -> None:
    """Values admitted by one checkpoint stand behind those of the ones before."""
    table = tables.table()
    step = after(await claimed(table), admitted={"a|x": ["ü", "10"], "b|y": ["1"]})
    await table.commit(step, expire_before={})
    await table.commit(after(step, admitted={"a|x": ["2", "10"]}), expire_before={})
    assert (await claimed(tables.table())).admitted == {"a|x": ["ü", "10", "2"], "b|y": ["1"]}


async def test_states_round_trip(tables: Backend) -> None:
    """A state is read as it was written, until it is deleted; unknown ones are None."""
    table = tables.table()
    ids = [number.to_bytes(16, "big") for number in range(5_000)]
    states = {state_id: state_id * 20 for state_id in ids}
    step = after(await claimed(table), states={"cart": states, "session": {ids[0]: b""}})
    await table.commit(step, expire_before={})
    await table.commit(
        after(step, states={"cart": {ids[0]: None, ids[1]: b"\0\xff"}}), expire_before={}
    )
    loaded = await table.load_states({"cart": [*ids, b"?" * 16], "session": ids[:2], "none": []})
    assert loaded == {
        **{("cart", state_id): state for state_id, state in states.items()},
        ("cart", ids[0]): None,
        ("cart", ids[1]): b"\0\xff",
        ("cart", b"?" * 16): None,
        ("session", ids[0]): b"",
        ("session", ids[1]): None,
    }


async def test_states_are_found_by_what_they_hold(tables: Backend) -> None:
    """Of the processors asked for, every state that holds one of their texts, and no other."""
    table = tables.table()
    ids = [number.to_bytes(16, "big") for number in range(5_000)]
    mails = {state_id: b"to %d@x.example" % at for at, state_id in enumerate(ids)}
    states = {"email": mails, "cart": {ids[7]: b"to 7@x.example"}}
    await table.commit(after(await claimed(table), states=states), expire_before={})
    found = await table.find_states({"email": [b" 7@x", b" 4321@x", b"nobody"], "none": [b"o"]})
    assert found == {("email", ids[n]): mails[ids[n]] for n in (7, 4321)}
    assert await table.find_states({"email": [b"nobody"]}) == {}


async def test_states_of_processors_are_told_up_to_the_limit(tables: Backend) -> None:
    """Any of theirs and no other's, each once; fewer than asked for only if they are all."""
    table = tables.table()
    ids = [number.to_bytes(16, "big") for number in range(5_000)]
    states: dict[str, dict[bytes, bytes | None]] = {
        "session": dict.fromkeys(ids, b"s"),
        "cart": {ids[0]: b"c", b"\0\n" * 8: b"c"},
        "ticket": {ids[1]: b"t"},
    }
    step = after(await claimed(table), states=states)
    await table.commit(step, expire_before={})
    every = {(name, i) for name in ("session", "cart") for i in states[name]}
    for limit in (0, 1, 100, 5_001, 6_000):
        found = await table.some_states(["none", "session", "cart"], limit)
        assert len(found) == len(set(found)) == min(limit, len(every))
        assert set(found) <= every
    gone: dict[str, dict[bytes, bytes | None]] = {"session": dict.fromkeys(ids[1:])}
    await table.commit(after(step, states=gone), expire_before={})
    assert await table.some_states(["session"], 10) == [("session", ids[0])]
    assert await table.some_states(["none"], 10) == []


async def test_due_timers_come_in_order_up_to_the_limit(tables: Backend) -> None:
    """Timers at or before the watermark come by due time, then key, with their states."""
    table = tables.table()
    ids = [bytes([number]) * 16 for number in range(5)]
    step = after(
        await claimed(table),
        states={"cart": {ids[1]: b"one"}},
        timers={
            ("cart", ids[0]): 300,
            ("cart", ids[1]): 100,
            ("session", ids[0]): 100,
            ("cart", ids[2]): 301,
            ("cart", ids[4]): 50,
            ("cart", ids[3]): -7,
        },
    )
    await table.commit(step, expire_before={})
    await table.commit(
        after(step, timers={("cart", ids[4]): None, ("cart", ids[2]): 299}), expire_before={}
    )
    due = await table.load_due(300)
    assert list(due.items()) == [
        (("cart", ids[3]), None),
        (("cart", ids[1]), b"one"),
        (("session", ids[0]), None),
        (("cart", ids[2]), None),
        (("cart", ids[0]), None),
    ]
    assert list(await table.load_due(300, limit=2)) == list(due)[:2]
    assert list(await table.load_due(300, limit=2, skip=1)) == list(due)[1:3]
    assert await table.load_due(300, limit=2, skip=5) == {}
    assert await table.load_due(-8) == {}


async def test_state_ids_with_any_bytes_are_found_by_their_timers(tables: Backend) -> None:
    """Zeros and line feeds in a state's id do not cut it."""
    table = tables.table()
    state_id = b"\0\n\0:\xff" + b"\0" * 11
    step = after(
        await claimed(table), states={"cart": {state_id: b"s"}}, timers={("cart", state_id): 1}
    )
    await table.commit(step, expire_before={})
    assert await table.load_due(1) == {("cart", state_id): b"s"}


async def test_expiry_deletes_only_panes_before_the_bound(tables: Backend) -> None:
    """Panes that start at the bound or later stay, as do other rungs, integers and sketches."""
    table = tables.table()
    panes = {start: {"clicks": start + 1} for start in range(0, 50, 10)}
    sketches = {start: {"visitors": hashes(start)} for start in (0, 10, 30)}
    step = after(
        await claimed(table),
        rungs={"10s": panes, "1m": {0: {"clicks": 1}}},
        sketches={"10s": sketches},
    )
    await table.commit(step, expire_before={})
    await table.commit(after(step), expire_before={"10s": 30, "1h": 99})
    reader = tables.reader()
    assert await reader.panes("10s", 0, 100) == {
        30: {"clicks": 31, "visitors": frozenset({30})},
        40: {"clicks": 41},
    }
    assert await reader.panes("1m", 0, 100) == {0: {"clicks": 1}}
    assert (await reader.progress())[ZERO].kept_from_ms == {"10s": 30, "1h": 99}


async def test_deleted_pane_stays_deleted(tables: Backend) -> None:
    """A late delta does not bring part of a deleted pane back; the bound never goes back."""
    table = tables.table()
    step = counting(await claimed(table))
    await table.commit(step, expire_before={"10s": 10})
    assert await tables.reader().panes("10s", 0, 100) == {}
    step = counting(step, sketches={"10s": {0: {"visitors": hashes(1)}}})
    await table.commit(step, expire_before={"10s": 0})
    await table.commit(counting(step), expire_before={})
    assert await tables.reader().panes("10s", 0, 100) == {}


async def test_many_panes_expire_over_several_checkpoints(tables: Backend) -> None:
    """What one checkpoint leaves behind the bound, the next ones delete, oldest first."""
    table = tables.table()
    step = after(await claimed(table), rungs={"10s": {i: {"clicks": 1} for i in range(1_500)}})
    await table.commit(step, expire_before={})
    await table.commit(step := after(step), expire_before={"10s": 1_400})
    assert list(await tables.reader().panes("10s", 0, FOREVER)) == list(range(1_000, 1_500))
    await table.commit(after(step), expire_before={})
    assert list(await tables.reader().panes("10s", 0, FOREVER)) == list(range(1_400, 1_500))


async def test_readers_merge_partitions(tables: Backend) -> None:
    """Integers add and sketches unite over all partitions and topics; ends are half open."""
    for partition, topic in ((0, "tracking.ads"), (2, "tracking.ads"), (1, "tracking.leads")):
        table = tables.table(partition, topic)
        step = after(
            await claimed(table),
            rungs={"10s": {start: {"clicks": 1 + partition} for start in (0, 10, 20, 30)}},
            sketches={"10s": {10: {"visitors": hashes(7, partition)}}},
        )
        await table.commit(step, expire_before={})
    assert await tables.reader().panes("10s", 10, 30) == {
        10: {"clicks": 6, "visitors": frozenset({0, 1, 2, 7})},
        20: {"clicks": 6},
    }


async def test_progress_names_every_partition(tables: Backend) -> None:
    """Partitions never claimed are there with epoch 0."""
    table = tables.table(1)
    step = counting(await claimed(table))
    await table.commit(step, expire_before={})
    progress = await tables.reader().progress()
    assert {who.partition: (p.epoch, p.number, p.offset) for who, p in progress.items()} == {
        0: (0, 0, None),
        1: (1, 1, 10),
        2: (0, 0, None),
    }
    written = progress[PartitionId("tracking.ads", 1)]
    assert (written.max_ts_ms, written.written_ms is not None) == (10_000, True)


async def test_dropped_namespace_is_empty(tables: Backend) -> None:
    """Nothing of a dropped namespace is left, and it can be begun anew, even as another topic."""
    table = tables.table()
    step = counting(await claimed(table), states={"cart": {b"x" * 16: b"s"}})
    await table.commit(step, expire_before={})
    await tables.drop()
    assert not await tables.dump()
    assert await tables.reader().progress() == {}
    with pytest.raises(FencedError):
        await table.commit(counting(step), expire_before={})
    claim = await claimed(tables.table(), partitions=5, topic_id="id-2")
    assert (claim.epoch, claim.offset) == (1, None)
