"""Laws of ``kpi state backup`` and ``restore``: exactly what was there, whole or not at all."""

from __future__ import annotations

import asyncio
import errno
import gzip
import itertools
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from processors.errors import CheckFailedError, UnreachableError, UsageError
from processors.schema import SCHEMA
from streams.backup import file as backup_file
from streams.backup import pages, read
from streams.backup.file import Header, Writer, check_file, read_header
from streams.backup.read import back_up
from streams.backup.write import restore
from streams.tables.connection import call, reaching
from streams.tables.script import run
from tests.streams.tables.backends import PARTITIONS, RedisBackend
from tests.streams.tables.steps import claimed, counting, hashes
from tests.valkey import valkey_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from processors.checkpoint import Checkpoint, Claim

_namespaces = (f"backup-{number}" for number in itertools.count())
STATES = 5_000  # more than one page


def quiet(_done: int, _total: int) -> None:
    """Report nothing."""


def everything(last: Claim | Checkpoint, states: int = STATES) -> Checkpoint:
    """Return a checkpoint that touches every kind of key."""
    ids = [number.to_bytes(16) for number in range(states)]
    return counting(
        last,
        10**16,
        sketches={"10s": {0: {"visitors": hashes(3)}}},
        base_sketches={0: {"visitors": hashes(3)}},
        states={"cart": {one: b"\x00state" + one for one in ids}, "_retried": {ids[0]: b"at 1"}},
        timers={("cart", one): 2**50 + n for n, one in enumerate(ids)},
        admitted={"a|x": ["v", "w"]},
        counters={"events": 10},
    )


async def filled(backend: RedisBackend) -> None:
    """Fill two of three partitions, and what belongs to the namespace."""
    for partition in range(2):
        table = backend.table(partition)
        await table.commit(everything(await claimed(table)), expire_before={"10s": -5})
    await call(backend.client, "HSET", f"kpi:{backend.namespace}:measures", "clicks", "x")
    await call(backend.client, "HSET", f"kpi:{backend.namespace}:retries", "a/0/1", "b/1")


async def contents(backend: RedisBackend, namespace: str = "") -> dict[str, object]:
    """Return every key's type and value."""
    prefix = f"kpi:{namespace or backend.namespace}:"
    found: dict[str, object] = {}
    for key in await call(backend.client, "KEYS", f"{prefix}*"):
        kind = await call(backend.client, "TYPE", key)
        read = {
            b"hash": ("HGETALL", key),
            b"zset": ("ZRANGE", key, 0, -1, "WITHSCORES"),
            b"stream": ("XRANGE", key, "-", "+"),
        }[kind]
        found[key.decode().removeprefix(prefix)] = await call(backend.client, *read)
    return found


@pytest.fixture(params=["valkey", "cluster"])
def backend(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[RedisBackend]:
    """A fresh namespace on a server, and on a cluster's node."""
    backend = RedisBackend(request.getfixturevalue(request.param), next(_namespaces))
    yield backend
    runner.run(backend.client.aclose())


async def test_a_restored_namespace_is_exactly_the_one_backed_up(
    backend: RedisBackend, tmp_path: Path
) -> None:
    """Every key, field, score and entry is the same, whatever was there in between."""
    await filled(backend)
    before = await contents(backend)
    made = await back_up(backend.client, backend.namespace, tmp_path / "b", quiet)
    assert (made.partitions, made.keys) == (PARTITIONS, len(before) - 3)  # the namespace's own
    assert await contents(backend) == before
    table = backend.table(0)
    await table.commit(everything(await claimed(table), 10), expire_before={})
    await call(backend.client, "HSET", f"kpi:{backend.namespace}:{{x}}:odd", "f", "v")
    await restore(backend.client, tmp_path / "b", backend.namespace, replace=True, report=quiet)
    assert await contents(backend) == before


async def test_a_copy_beside_the_live_namespace(backend: RedisBackend, tmp_path: Path) -> None:
    """``--into`` writes another namespace and leaves the first alone."""
    await filled(backend)
    before = await contents(backend)
    await back_up(backend.client, backend.namespace, tmp_path / "b", quiet)
    copy = f"{backend.namespace}-copy"
    await restore(backend.client, tmp_path / "b", copy, replace=False, report=quiet)
    assert await contents(backend) == before == await contents(backend, copy)


async def test_tables_are_replaced_only_when_that_is_meant(
    backend: RedisBackend, tmp_path: Path
) -> None:
    """Without --yes a namespace with any key stays as it is."""
    await filled(backend)
    await back_up(backend.client, backend.namespace, tmp_path / "b", quiet)
    before = await contents(backend)
    with pytest.raises(UsageError, match="every figure of it would be replaced"):
        await restore(
            backend.client, tmp_path / "b", backend.namespace, replace=False, report=quiet
        )
    assert await contents(backend) == before


async def test_checkpoints_wait_while_a_partition_is_read(backend: RedisBackend) -> None:
    """Held, a checkpoint is refused and changes nothing; freed, the same one is applied."""
    table = backend.table(0)
    step = everything(await claimed(table), 3)
    keys = backend.keys(0)
    meta = await run(backend.client, "hold", [keys.meta], 60_000)
    assert b"held" not in meta
    before = await backend.stored()
    with pytest.raises(UnreachableError, match="checkpoints wait for it"):
        await table.commit(step, expire_before={})
    assert await backend.stored() == before
    await run(backend.client, "hold", [keys.meta], 0)
    await table.commit(step, expire_before={})
    await run(backend.client, "hold", [keys.meta], 60_000)
    await table.commit(step, expire_before={})  # its answer may have been lost: applied already


async def test_a_hold_ends_by_itself(backend: RedisBackend) -> None:
    """A backup that died keeps no partition for longer than its hold."""
    table = backend.table(0)
    step = everything(await claimed(table), 3)
    await run(backend.client, "hold", [backend.keys(0).meta], 20)
    for _ in range(500):
        try:
            await table.commit(step, expire_before={})
        except UnreachableError:
            continue
        break
    assert b"held" not in (await call(backend.client, "HGETALL", backend.keys(0).meta))
    assert (await backend.reader().progress())[("tracking.ads", 0)].number == 1  # type: ignore[index]


async def interrupted(
    backend: RedisBackend,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    go_on: Callable[[], Awaitable[None]],
) -> dict[str, object]:
    """Back up while something goes on behind the first page; return what is there then."""
    original = pages.read_panes
    done: list[int] = []

    async def between(*args: Any) -> AsyncIterator[Any]:
        async for page in original(*args):
            if not done:
                done.append(1)
                await go_on()
            yield page

    monkeypatch.setattr(read, "read_panes", between)
    await back_up(backend.client, backend.namespace, path, quiet)
    assert done
    return await contents(backend)


async def test_a_checkpoint_in_between_has_the_partition_read_again(
    backend: RedisBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that does not wait: the backup is still of one checkpoint."""
    await filled(backend)
    table = backend.table(0)
    step = everything(await claimed(table), 10)

    async def go_on() -> None:
        await run(backend.client, "hold", [backend.keys(0).meta], 0)
        await table.commit(step, expire_before={})

    before = await interrupted(backend, tmp_path / "b", monkeypatch, go_on)
    await restore(backend.client, tmp_path / "b", backend.namespace, replace=True, report=quiet)
    assert await contents(backend) == before


async def test_states_of_a_new_kind_have_everything_read_again(
    backend: RedisBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor's first state may come in once keys were listed: the backup has it."""
    await filled(backend)
    table = backend.table(1)
    step = replace(everything(await claimed(table), 10), states={"order": {bytes(16): b"first"}})

    async def go_on() -> None:
        await table.commit(step, expire_before={})

    before = await interrupted(backend, tmp_path / "b", monkeypatch, go_on)
    await restore(backend.client, tmp_path / "b", backend.namespace, replace=True, report=quiet)
    assert any(key.endswith("state:order") for key in before)
    assert await contents(backend) == before


async def test_a_damaged_checkpoint_is_not_backed_up(backend: RedisBackend, tmp_path: Path) -> None:
    """A partition that was applied in part is refused, and no file is left."""
    await filled(backend)
    await call(backend.client, "HSET", backend.keys(1).meta, "dirty", "1")
    with pytest.raises(CheckFailedError, match="applied in part"):
        await back_up(backend.client, backend.namespace, tmp_path / "b", quiet)
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240  # a moment
    assert b"held" not in await call(backend.client, "HGETALL", backend.keys(1).meta)


async def test_a_full_server_can_be_backed_up(runner: asyncio.Runner, tmp_path: Path) -> None:
    """A server that refuses every write, for want of memory, still gives its tables."""
    del runner
    with valkey_server(tmp_path) as url:
        backend = RedisBackend(url, "full")
        await filled(backend)
        before = await contents(backend)
        await call(backend.client, "CONFIG SET", "maxmemory", "1mb")
        await back_up(backend.client, "full", tmp_path / "b", quiet)
        await call(backend.client, "CONFIG SET", "maxmemory", "0")
        await restore(backend.client, tmp_path / "b", "full", replace=True, report=quiet)
        assert await contents(backend) == before
        await backend.client.aclose()


async def test_nothing_to_back_up(backend: RedisBackend, tmp_path: Path) -> None:
    """A namespace without tables is no empty backup; a file that is there is not replaced."""
    with pytest.raises(UsageError, match="nothing to back up"):
        await back_up(backend.client, backend.namespace, tmp_path / "b", quiet)
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UsageError, match="never replaces"):
        await back_up(backend.client, backend.namespace, tmp_path / "mine", quiet)
    assert (tmp_path / "mine").read_text() == "mine"


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda whole: whole[:-20],
    "cut off in the middle": lambda whole: whole[: len(whole) // 2],
    "empty": lambda _: b"",
    "a bit altered": lambda whole: whole[:300] + bytes([whole[300] ^ 1]) + whole[301:],
    "something else": lambda _: b"PK not a backup",
    "a frame altered": lambda whole: gzip.compress(
        gzip.decompress(whole).replace(b"\x00state", b"\x00stale", 1)
    ),
    "a frame left out": lambda whole: gzip.compress(
        gzip.decompress(whole)[:-100] + gzip.decompress(whole)[-40:]
    ),
    "more behind it": lambda whole: whole + gzip.compress(b"more"),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_changes_nothing(
    backend: RedisBackend, tmp_path: Path, damage: str
) -> None:
    """Whatever was done to the file is found before the first key is touched."""
    table = backend.table(0)
    await table.commit(everything(await claimed(table), 50), expire_before={})
    path = tmp_path / "b"
    await back_up(backend.client, backend.namespace, path, quiet)
    before = await contents(backend)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(CheckFailedError, match=r"nothing was changed: take another copy"):
        await restore(backend.client, path, backend.namespace, replace=True, report=quiet)
    assert await contents(backend) == before


@pytest.mark.parametrize("field", ["format", "schema"])
def test_a_newer_file_is_refused(tmp_path: Path, field: str) -> None:
    """A file of a later version says so, and which program to use."""
    known = {"format": backup_file.FORMAT, "schema": SCHEMA.version}
    with Writer(tmp_path / "b") as writer:
        writer.begin(
            Header(**(known | {field: 9}), namespace="x", made_ms=0, registry={})  # BAD!
        )
        writer.finish()
    for look in (read_header, check_file):
        with pytest.raises(CheckFailedError, match=r"9, this program has \d.*upgrade this program"):
            look(tmp_path / "b")


def test_only_its_owner_may_read_a_backup(tmp_path: Path) -> None:
    """States hold identities."""
    with Writer(tmp_path / "b") as writer:
        writer.begin(Header(backup_file.FORMAT, SCHEMA.version, "x", 0, {}))
        writer.finish()
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    assert check_file(tmp_path / "b") == 0


def test_what_was_in_the_way_is_not_written_into(tmp_path: Path) -> None:
    """Another's file under the unfinished name, which they may read, and a link to elsewhere."""
    readable, elsewhere = tmp_path / ".b.unfinished", tmp_path / "elsewhere"
    readable.touch(0o666)
    elsewhere.write_bytes(b"precious")
    (tmp_path / ".c.unfinished").symlink_to(elsewhere)
    for name in ("b", "c"):
        with Writer(tmp_path / name) as writer:
            writer.begin(Header(backup_file.FORMAT, SCHEMA.version, "x", 0, {}))
            writer.finish()
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert not (tmp_path / name).is_symlink()
    assert elsewhere.read_bytes() == b"precious"


def test_a_full_disk_is_no_server_that_is_away(
    backend: RedisBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file, and nothing is left of it."""
    monkeypatch.setattr(gzip, "GzipFile", _Full)
    writer = Writer(tmp_path / "b")
    with (
        pytest.raises(UsageError, match="b: No space left on device"),
        reaching(backend.client),
        writer,
    ):
        writer.begin(Header(backup_file.FORMAT, SCHEMA.version, "x", 0, {}))
    assert list(tmp_path.iterdir()) == []


class _Full(gzip.GzipFile):
    """A file on a disk without room."""

    def write(self, data: Any) -> int:
        """Refuse."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
