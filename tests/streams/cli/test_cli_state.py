"""Laws of ``kpi state drop``: nothing without --yes, then everything of this namespace alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import redis

from streams.cli.main import main

if TYPE_CHECKING:
    import pytest


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
