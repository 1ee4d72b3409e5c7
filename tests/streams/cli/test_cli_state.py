"""Laws of ``kpi state``: nothing is given up without --yes; a backup comes back by the command."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import redis

from streams.cli.main import main
from streams.tables.keys import PartitionKeys

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOWHERE = "127.0.0.1:1"  # no broker
META = {"epoch": "3", "number": "7", "offset": "70", "written_ms": "1", "writer": "w"}


def test_tables_are_dropped_only_when_that_is_meant(
    valkey: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The namespace's keys go with --yes, another's stay; without it the consequence is told."""
    monkeypatch.setenv("KPI_REDIS_URL", valkey)
    with redis.Redis.from_url(valkey) as client:
        client.hset("kpi:gone:registry", "schema", "1")
        client.hset("kpi:gone:{tracking.ads/0/1}:meta", "epoch", "1")
        client.hset("kpi:stays:registry", "schema", "1")
        assert main(["state", "drop", "--namespace", "gone"]) == 2
        assert "every figure of namespace gone" in capsys.readouterr().err
        assert client.exists("kpi:gone:registry")
        assert main(["state", "drop", "--namespace", "gone", "--yes", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["keys_dropped"] == 2
        assert client.keys("kpi:gone:*") == []
        assert client.exists("kpi:stays:registry")


def test_tables_go_into_a_file_and_come_back(
    valkey: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Backup, restore over what is there (with --yes) and beside it; errors are one line each."""
    monkeypatch.setenv("KPI_REDIS_URL", valkey)
    monkeypatch.setenv("KPI_BROKER", NOWHERE)
    monkeypatch.setenv("KPI_NAMESPACE", "kept")
    path = str(tmp_path / "tables.kpi")
    meta = PartitionKeys.of("kept", "tracking.ads", 0, 1).meta
    with redis.Redis.from_url(valkey) as client:
        client.hset("kpi:kept:registry", mapping={"schema": "1", "topic:tracking.ads": "1"})
        client.hset(meta, mapping=META)
        assert main(["state", "backup", path, "--format", "json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["partitions"], answer["keys"]) == (1, 1)
        client.hset(meta, "offset", "99")
        assert main(["state", "restore", path]) == 2
        assert "add --yes if that is meant" in capsys.readouterr().err
        assert main(["state", "restore", path, "--yes", "--format", "json"]) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["namespace"] == "kept"
        assert "whether workers run could not be asked" in told.err
        assert client.hget(meta, "offset") == b"70"
        assert main(["state", "restore", path, "--into", "look"]) == 0
        assert client.hget(meta.replace(":kept:", ":look:"), "offset") == b"70"
        client.hset(meta, "written_ms", str(time.time_ns() // 1_000_000))
        assert main(["state", "restore", path, "--yes"]) == 2
        assert "end the workers first" in capsys.readouterr().err
        (tmp_path / "tables.kpi").write_bytes(b"PK")
        assert main(["state", "restore", path, "--into", "look", "--yes"]) == 1
        assert "is no whole backup" in capsys.readouterr().err
        assert main(["state", "restore", str(tmp_path / "none"), "--into", "empty"]) == 2
        assert main(["state", "backup", path, "--namespace", "empty"]) == 2
        assert client.keys("kpi:empty:*") == []
