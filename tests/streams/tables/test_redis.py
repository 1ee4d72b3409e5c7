"""What only a server can do: forget scripts, refuse memory, hold other programs' keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import FencedError, PartitionStoppedError, UnreachableError, UsageError
from streams.embedded.ports import free_port
from streams.tables.admin import drop_namespace
from streams.tables.connection import call, open_client
from streams.tables.keys import PartitionKeys, registry_key
from streams.tables.redis_reader import RedisReader
from streams.tables.redis_table import RedisTable
from tests.streams.tables.backends import RedisBackend
from tests.streams.tables.steps import after, claimed, counting, hashes
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from pathlib import Path

    from processors.checkpoint import Checkpoint, Claim


def everything(last: Claim | Checkpoint) -> Checkpoint:
    """Return a checkpoint that touches every kind of key."""
    return counting(
        last,
        sketches={"10s": {0: {"visitors": hashes(1)}}},
        states={"cart": {b"x" * 16: b"s"}},
        timers={("cart", b"x" * 16): 1},
        admitted={"a|x": ["v"]},
        counters={"events": 1},
    )


async def test_forgotten_scripts_are_sent_again(redis: RedisBackend) -> None:
    """A server that was restarted does not know the scripts: nobody notices."""
    table = redis.table()
    step = everything(await claimed(table))
    for _ in range(2):
        await call(redis.client, "SCRIPT FLUSH")
        await table.commit(step, expire_before={})
        step = everything(step)
    await call(redis.client, "SCRIPT FLUSH")
    assert await table.load_due(1)
    await call(redis.client, "SCRIPT FLUSH")
    assert (await redis.reader().panes("10s", 0, 1))[0]["clicks"] == 2


@pytest.mark.parametrize(
    "name",
    [
        *("admitted", "timers", "log", "state:cart"),
        *("index:10s", "changed:10s", "pane:10s:0", "sketch:10s:0"),
    ],
)
async def test_key_of_another_program_stops_before_any_write(
    redis: RedisBackend, name: str
) -> None:
    """A key of the wrong type is named, and nothing of the checkpoint is applied."""
    table = redis.table()
    step = everything(await claimed(table))
    key = f"{redis.keys().prefix}{name}"
    await call(redis.client, "RPUSH", key, "not ours")  # BAD!
    before = await redis.stored()
    with pytest.raises(PartitionStoppedError, match=name):
        await table.commit(step, expire_before={"10s": -1})
    assert await redis.stored() == before


async def test_meta_of_another_program_stops_claim_and_commit(redis: RedisBackend) -> None:
    """The wrong type of the partition's own key is told from lost tables."""
    table = redis.table()
    step = everything(await claimed(table))
    await call(redis.client, "DEL", redis.keys().meta)
    await call(redis.client, "SET", redis.keys().meta, "not ours")  # BAD!
    with pytest.raises(PartitionStoppedError, match="meta") as stopped:
        await table.commit(step, expire_before={})
    assert not isinstance(stopped.value, FencedError)
    with pytest.raises(PartitionStoppedError, match=r"meta string in Redis is not what this"):
        await claimed(redis.table())


@pytest.mark.parametrize("text", ["1.5", "1e5", "0x10", "nan", " 1", "", "-", "100000000000000000"])
async def test_stored_text_that_is_no_integer_stops(redis: RedisBackend, text: str) -> None:
    """What another program wrote into a cell is named before anything is written."""
    table = redis.table()
    step = counting(await claimed(table))
    await table.commit(step, expire_before={})
    await call(redis.client, "HSET", redis.keys().pane("10s", 0), "clicks", text)  # BAD!
    before = await redis.stored()
    with pytest.raises(PartitionStoppedError, match=f"clicks: stored {text}, to add 1"):
        await table.commit(counting(step), expire_before={})
    assert await redis.stored() == before


async def test_checkpoint_applied_in_part_stops_every_owner(redis: RedisBackend) -> None:
    """Should a script ever fail midway, nobody goes on from what it left."""
    table = redis.table()
    step = counting(await claimed(table))
    await table.commit(step, expire_before={})
    await call(redis.client, "HSET", redis.keys().meta, "dirty", 2)  # BAD!
    with pytest.raises(PartitionStoppedError, match="checkpoint 2 was applied in part"):
        await table.commit(counting(step), expire_before={})
    with pytest.raises(PartitionStoppedError, match="checkpoint 2 was applied in part"):
        await claimed(redis.table())


@pytest.mark.parametrize(
    ("schema", "advice"),
    [("2", "Upgrade"), ("0", "by way of a version that reads both"), ("", "Upgrade")],
)
async def test_other_schema_stops(redis: RedisBackend, schema: str, advice: str) -> None:
    """Tables of another version are left alone, with advice that fits its age."""
    table = redis.table()
    step = counting(await claimed(table))
    await call(redis.client, "HSET", redis.keys().meta, "schema", schema)  # BAD!
    with pytest.raises(PartitionStoppedError, match=f"schema {schema or 'unknown'}, .*{advice}"):
        await claimed(redis.table())
    with pytest.raises(FencedError, match="schema"):
        await table.commit(step, expire_before={})
    await call(redis.client, "HSET", registry_key(redis.namespace), "schema", schema)  # BAD!
    with pytest.raises(PartitionStoppedError, match=advice):
        await claimed(redis.table(1))


async def test_namespace_being_dropped_refuses_claims(redis: RedisBackend) -> None:
    """A drop that was interrupted is finished before anyone begins anew."""
    await claimed(redis.table())
    await call(redis.client, "HSET", registry_key(redis.namespace), "dropping", 1)
    with pytest.raises(PartitionStoppedError, match="being dropped"):
        await claimed(redis.table())
    await redis.drop()
    assert (await claimed(redis.table())).epoch == 1


async def test_drop_leaves_other_namespaces(redis: RedisBackend) -> None:
    """A namespace whose name begins alike is not touched."""
    other = RedisTable(redis.client, f"{redis.namespace}-b", "tracking.ads", 0)
    await other.commit(counting(await claimed(other)), expire_before={})
    table = redis.table()
    await table.commit(everything(await claimed(table)), expire_before={})
    assert await drop_namespace(redis.client, redis.namespace) == 10
    assert await RedisReader(redis.client, f"{redis.namespace}-b").panes("10s", 0, 1)
    await drop_namespace(redis.client, f"{redis.namespace}-b")


async def test_full_server_refuses_the_whole_checkpoint(
    redis: RedisBackend, tmp_path: Path
) -> None:
    """Out of memory nothing is applied; with memory again the same checkpoint is."""
    with valkey_server(tmp_path) as url:
        backend = RedisBackend(url, "laws")
        table = backend.table()
        step = everything(await claimed(table))
        await table.commit(step, expire_before={})
        before = await backend.stored()
        await call(backend.client, "CONFIG SET", "maxmemory", 1)
        step = everything(step)
        with pytest.raises(UnreachableError, match=r"refused: .*memory"):
            await table.commit(step, expire_before={"10s": 10})
        assert await backend.stored() == before
        await call(backend.client, "CONFIG SET", "maxmemory", 0)
        await table.commit(step, expire_before={})
        assert (await backend.reader().panes("10s", 0, 1))[0]["clicks"] == 2
        await backend.client.aclose()


async def test_server_that_is_away_is_named(redis: RedisBackend) -> None:
    """Every call to a server that is not there raises UnreachableError with its address."""
    port = free_port()
    client = open_client(f"redis://user:secret@127.0.0.1:{port}/3")
    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}/3") as away:
        await claimed(RedisTable(client, "laws", "tracking.ads", 0))
    assert "secret" not in str(away.value)
    with pytest.raises(UnreachableError):
        await RedisReader(client, "laws").progress()
    with pytest.raises(UnreachableError):
        await RedisReader(client, "laws").follow({}, block_ms=10)
    with pytest.raises(UnreachableError):
        await drop_namespace(client, "laws")
    await client.aclose()


@pytest.mark.parametrize("name", ["", "a:b", "*", "a b", "{a}", "-a", "ä"])
def test_names_that_would_mean_other_keys_are_refused(name: str) -> None:
    """Namespaces and topics hold no character that has a meaning in keys or patterns."""
    with pytest.raises(UsageError, match="would name other keys"):
        PartitionKeys.of(name, "topic", 0, 1)
    with pytest.raises(UsageError, match="would name other keys"):
        PartitionKeys.of("live", name, 0, 1)


async def test_restarted_server_goes_on_from_its_file(redis: RedisBackend, tmp_path: Path) -> None:
    """After kill -9 the server has what it had acknowledged, and the next owner goes on."""
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with valkey_server(tmp_path, *options) as url:
        backend = RedisBackend(url, "laws")
        table = backend.table()
        last: Claim | Checkpoint = await claimed(table)
        for _ in range(20):
            await table.commit(last := everything(last), expire_before={})
        await backend.client.aclose()
    with valkey_server(tmp_path, *options) as url:
        backend = RedisBackend(url, "laws")
        claim = await claimed(backend.table())
        assert (claim.number, claim.offset) == (20, 200)
        assert (await backend.reader().panes("10s", 0, 1))[0]["clicks"] == 20
        await backend.client.aclose()


async def test_largest_checkpoints_fit(redis: RedisBackend) -> None:
    """Long lists of cells, states, timers and deletions are passed in slices."""
    table = redis.table()
    cells = {0: {f"cell {i}": i for i in range(20_000)}}
    ids = [number.to_bytes(16, "big") for number in range(20_000)]
    step = after(
        await claimed(table),
        base=cells,
        rungs={"10s": cells, "1m": {i: {"clicks": 1} for i in range(10_000)}},
        states={"cart": dict.fromkeys(ids, b"s")},
        timers={("cart", state_id): 7 for state_id in ids},
        admitted={"a|x": [f"value {i}" for i in range(9_000)]},
    )
    await table.commit(step, expire_before={})
    assert len(await table.load_due(7, limit=30_000)) == 20_000
    assert (await redis.reader().panes("10s", 0, 1)) == cells
    step = after(
        step,
        states={"cart": dict.fromkeys(ids)},
        timers={("cart", state_id): None for state_id in ids},
    )
    await table.commit(step, expire_before={"1m": 10_000})
    assert await table.load_due(7) == {}


async def test_log_ahead_of_its_tables_is_begun_anew(redis: RedisBackend) -> None:
    """Tables restored beside a newer log of deltas go on, and followers are told."""
    table = redis.table()
    step = counting(await claimed(table))
    await table.commit(step, expire_before={})
    older = await redis.dump()
    for _ in range(3):
        await table.commit(step := counting(step), expire_before={})
    reader = redis.reader()
    start = {who: part.progress.position for who, part in (await reader.snapshot({})).items()}
    older[redis.keys().log.encode()] = (await redis.dump())[redis.keys().log.encode()]  # BAD!
    await redis.go_back(older)
    table = redis.table()
    await table.commit(counting(await claimed(table)), expire_before={})
    assert (await reader.panes("10s", 0, 1)) == {0: {"clicks": 2}}
    assert list((await reader.follow(start)).reload.values()) == [
        "Redis went back: it has checkpoint 2, the reader 4"
    ]


async def test_commit_after_a_drop_leaves_no_mark(redis: RedisBackend) -> None:
    """An owner that outlives its namespace writes nothing, so that it can be begun anew."""
    table = redis.table()
    step = counting(await claimed(table))
    await redis.drop()
    with pytest.raises(FencedError, match="state is none"):
        await table.commit(step, expire_before={})
    assert await redis.dump() == {}
    assert await drop_namespace(redis.client, redis.namespace) == 0
