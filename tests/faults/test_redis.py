"""Redis that is restarted, killed, rolled back, promoted, emptied, slow, cut off and full."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import redis

from tests.faults.cable import Cable
from tests.faults.field import at_work
from tests.faults.valkeys import Valkey
from tests.support.redis_shards import cluster_url, redis_shards, replica_of_shard
from tests.support.sentinels import sentinels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.field import Field
    from tests.faults.report import Report

pytestmark = [pytest.mark.faults, pytest.mark.brokers]
GROUP = "Redis"
HELD = "`held back, nothing is lost`, then `goes on after`; "
FENCED = "`Redis went back to an older copy`: claimed again, the log is read from there"
# Without Sentinel a promoted replica is reached at the same address (a proxy, a service name): that
# is what the cable stands for.


@pytest.fixture
def cable(valkey_of_case: Valkey) -> Iterator[Cable]:
    """Return a cable to the case's Valkey."""
    cable = Cable(valkey_of_case.port)
    yield cable
    cable.close()


def behind(cable: Cable) -> str:
    """Return the URL of what the cable leads to."""
    return f"redis://127.0.0.1:{cable.port}/0"


@pytest.mark.long
def test_restarted_with_its_file(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """A Redis that ends in order and comes back with its append-only file has lost nothing."""
    with at_work(make_field(seed=21)) as field:
        field.valkey.stop()
        field.until(lambda: field.crew.hands[0].said("held back, nothing is lost"), "it is said")
        field.valkey.start()
        field.recover()
        verdict = field.finish()
        assert field.crew.hands[0].ends == [], "no worker had to be started again"
    report.add(GROUP, "restarted, with AOF", broker_kind, HELD + "figures stand still", field,
               verdict)  # fmt: skip


@pytest.mark.long
def test_killed(
    make_field: Callable[..., Field], report: Report, broker_kind: str, is_long: bool
) -> None:
    """A Redis killed with SIGKILL may lose its last second: that is counted again, once."""
    chance = random.Random(3)
    with at_work(make_field(seed=22)) as field:
        for _ in range(8 if is_long else 2):
            time.sleep(chance.uniform(0.0, 1.0))
            field.valkey.kill()
            time.sleep(chance.uniform(0.0, 1.0))
            field.valkey.start()
            field.recover()
        verdict = field.finish()
    seen = HELD + "what the last second lost is read from the log again"
    report.add(GROUP, "SIGKILL, AOF everysec", broker_kind, seen, field, verdict)


def test_rolled_back_to_an_older_copy(
    make_field: Callable[..., Field], report: Report, broker_kind: str, tmp_path: Path
) -> None:
    """Tables that come back from an older copy are read up again from their own offsets."""
    with at_work(make_field(seed=23)) as field:
        field.valkey.stop()  # in order, so that the copy is whole
        field.valkey.copy_to(tmp_path / "copy")
        field.valkey.start()
        field.flow(900)
        field.valkey.kill()
        field.valkey.put_back(tmp_path / "copy")
        field.valkey.start()
        field.recover()
        assert field.crew.hands[0].said("Redis went back to an older copy")
        verdict = field.finish()
    report.add(GROUP, "rolled back to an older copy", broker_kind, FENCED, field, verdict)


@pytest.mark.long
def test_backup_restored(
    make_field: Callable[..., Field], report: Report, broker_kind: str, tmp_path: Path
) -> None:
    """A backup taken under load comes back, and the log is read on from its offsets."""

    def state(*arguments: str) -> None:
        command = [sys.executable, "-m", "streams.cli.main", "state", *arguments]
        subprocess.run(command, env={**os.environ, **field.settings.environment()}, check=True)

    with at_work(make_field(seed=30)) as field:
        field.flow(900)
        state("backup", str(tmp_path / "tables.kpi"))
        field.flow(900)
        for hand in list(field.crew.hands):
            assert field.crew.dismiss(hand) == 0
        field.valkey.call("FLUSHALL")
        state("restore", str(tmp_path / "tables.kpi"))
        field.crew.hire()
        field.recover()
        verdict = field.finish()
    seen = "nothing: the log is read on from the backup's offsets"
    report.add(GROUP, "emptied, `kpi state restore` of a backup taken under load", broker_kind,
               seen, field, verdict)  # fmt: skip


@pytest.mark.long
def test_replica_promoted_with_writes_lost(
    make_field: Callable[..., Field],
    report: Report,
    broker_kind: str,
    cable: Cable,
    tmp_path: Path,
) -> None:
    """A replica that never got the last checkpoints takes over, and they are made again."""
    with at_work(make_field(seed=24, redis_url=behind(cable))) as field:
        primary, replica = field.valkey, Valkey(tmp_path / "replica")
        replica.start()
        try:
            replica.call("REPLICAOF", "127.0.0.1", primary.port)
            field.until(
                lambda: replica.call("INFO", "replication")["master_link_status"] == "up",
                "the replica follows",
            )
            field.flow()
            replica.call("REPLICAOF", "NO", "ONE")  # cut off: from here on it misses writes
            field.flow(900)
            primary.kill()
            field.valkey = replica
            cable.plug(replica.port)
            field.recover()
            assert field.crew.hands[0].said("Redis went back to an older copy")
            verdict = field.finish()
        finally:
            replica.kill()
    report.add(
        GROUP, "replica promoted (same address), writes lost", broker_kind, FENCED, field, verdict
    )


@pytest.mark.long
def test_replica_promoted_by_sentinel(
    make_field: Callable[..., Field], report: Report, broker_kind: str, valkey_of_case: Valkey,
    cable: Cable, tmp_path: Path,
) -> None:  # fmt: skip
    """The worker finds the replica that Sentinel has promoted, and makes what it lacks again."""
    primary, replica = valkey_of_case, Valkey(tmp_path / "replica")
    replica.start()
    replica.call("REPLICAOF", "127.0.0.1", cable.port)  # so that it can miss writes
    try:
        with (
            sentinels(tmp_path / "sentinels", primary.port) as url,
            at_work(make_field(seed=31, redis_url=url)) as field,
        ):
            field.until(
                lambda: replica.call("INFO", "replication")["master_link_status"] == "up",
                "the replica follows",
            )
            field.flow()
            cable.refusing = True
            cable.cut()
            field.flow(900)
            primary.kill()
            field.valkey = replica
            field.until(
                lambda: replica.call("INFO", "replication")["role"] == "master", "it is promoted"
            )
            field.recover()
            assert field.crew.hands[0].said("Redis went back to an older copy")
            assert field.crew.hands[0].ends == [], "no worker had to be started again"
            primary.start()  # and is made a replica
            field.until(
                lambda: primary.call("INFO", "replication")["role"] == "slave", "it is demoted"
            )
            field.flow()
            verdict = field.finish()
    finally:
        replica.kill()
    report.add(
        GROUP, "SIGKILL, replica promoted by Sentinel, writes lost", broker_kind, FENCED, field,
        verdict,
    )  # fmt: skip


class Elsewhere(Valkey):
    """Servers that the case runs itself; only their URL is asked for."""

    def __init__(self, directory: Path, url: str) -> None:
        super().__init__(directory)
        self._url = url

    @property
    def url(self) -> str:
        """The setting's value."""
        return self._url


@pytest.mark.long
def test_primary_of_a_cluster_killed(
    make_field: Callable[..., Field], report: Report, broker_kind: str, tmp_path: Path
) -> None:
    """A cluster promotes the replica of a primary that was killed; its partitions go on there."""
    quick = ("--cluster-node-timeout", "1500")
    (tmp_path / "shards").mkdir()
    with (
        redis_shards(tmp_path / "shards", *quick) as urls,
        replica_of_shard(tmp_path / "shards", urls, 1, *quick) as replica_url,
        at_work(make_field(seed=32, redis_url=cluster_url(urls)), workers=0) as field,
        redis.Redis.from_url(urls[1]) as primary,
        redis.Redis.from_url(replica_url) as replica,
    ):
        field.valkey = Elsewhere(tmp_path / "elsewhere", cluster_url(urls))
        hand = field.crew.hire()
        field.flow(900)
        os.kill(primary.info()["process_id"], signal.SIGKILL)
        field.until(lambda: replica.info("replication")["role"] == "master", "it is promoted")
        field.recover()
        field.flow()
        verdict = field.finish()
        assert hand.ends == [], "no worker had to be started again"
    seen = HELD + "what was not replicated yet is read from the log again"
    report.add(GROUP, "cluster: a primary killed, its replica promoted", broker_kind, seen, field,
               verdict)  # fmt: skip


@pytest.mark.long
def test_emptied(make_field: Callable[..., Field], report: Report, broker_kind: str) -> None:
    """An emptied Redis is said to be one, and is filled again from a log that is whole."""
    with at_work(make_field(seed=25)) as field:
        field.until(lambda: field.crew.hands[0].said("assigned"), "it is at work")
        field.until(
            field.is_noted, "Kafka's commit, by which a worker knows that there were tables"
        )
        field.valkey.call("FLUSHALL")
        field.recover()
        field.until(lambda: field.crew.hands[0].said("Redis was emptied"), "it is said")
        verdict = field.finish()
    seen = "`Redis was emptied`; counted anew from the log's beginning, if that is still there"
    report.add(GROUP, "emptied (FLUSHALL)", broker_kind, seen, field, verdict)


@pytest.mark.long
def test_scripts_flushed(
    make_field: Callable[..., Field], report: Report, broker_kind: str
) -> None:
    """A server that forgets its scripts is told them again."""
    with at_work(make_field(seed=26)) as field:
        for _ in range(10):
            field.valkey.call("SCRIPT", "FLUSH", "SYNC")
            field.flow(100)
        field.recover()
        verdict = field.finish()
    report.add(GROUP, "SCRIPT FLUSH, ten times", broker_kind, "nothing", field, verdict)


@pytest.mark.long
def test_slow_and_cut_off(
    make_field: Callable[..., Field],
    report: Report,
    broker_kind: str,
    is_long: bool,
    cable: Cable,
) -> None:
    """Latency, broken connections and lost answers: no checkpoint is applied twice."""
    chance = random.Random(5)
    with at_work(make_field(seed=27, redis_url=behind(cable))) as field:
        cable.delay_s = 0.05
        for _ in range(20 if is_long else 6):
            time.sleep(chance.uniform(0.0, 0.6))
            cable.deaf = True  # requests are carried out, answers get lost
            time.sleep(chance.uniform(0.0, 0.3))
            cable.cut()
            cable.deaf = False
        cable.refusing = True
        cable.cut()
        time.sleep(3.0)
        cable.refusing = False
        field.recover()
        cable.delay_s = 0.0
        verdict = field.finish()
    seen = HELD + "figures come later"
    report.add(GROUP, "100 ms slow, connections cut, answers lost", broker_kind, seen, field,
               verdict)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "break_it", "mend_it"),
    [
        ("out of memory", ("maxmemory", "1mb"), ("maxmemory", "0")),
        ("without its replicas", ("min-replicas-to-write", "1"), ("min-replicas-to-write", "0")),
    ],
)
def test_refusing_writes(
    make_field: Callable[..., Field],
    report: Report,
    broker_kind: str,
    fault: str,
    break_it: tuple[str, str],
    mend_it: tuple[str, str],
) -> None:
    """A Redis that takes no writes holds partitions back; nothing is written in part."""
    with at_work(make_field(seed=28)) as field:
        for _ in range(2):
            field.valkey.call("CONFIG", "SET", *break_it)
            field.until(lambda: field.crew.hands[0].said("refused"), "it is said")
            time.sleep(2.0)
            field.valkey.call("CONFIG", "SET", *mend_it)
            field.recover()
        verdict = field.finish()
        assert field.crew.hands[0].ends == [], "no worker had to be started again"
    report.add(GROUP, fault, broker_kind, HELD + "with Redis's own words", field, verdict)


@pytest.mark.long
def test_disk_full(make_field: Callable[..., Field], report: Report, broker_kind: str) -> None:
    """A Redis whose file cannot grow refuses writes (MISCONF); with room it goes on."""
    with at_work(make_field(seed=29)) as field:
        process = field.valkey.pid
        size = sum(f.stat().st_size for f in (field.valkey.directory / "appendonlydir").iterdir())
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))
        field.until(lambda: field.crew.hands[0].said("MISCONF"), "it is said")
        time.sleep(2.0)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))
        field.recover()
        verdict = field.finish()
    report.add(GROUP, "disk full", broker_kind, HELD + "`MISCONF`", field, verdict)
