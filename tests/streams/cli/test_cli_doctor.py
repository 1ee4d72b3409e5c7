"""Laws of ``kpi doctor``, against real servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from streams.cli.main import main
from streams.settings import setting_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.embedded.servers import Addresses


@pytest.fixture
def doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Return a function that runs the doctor in an environment and reads its JSON."""

    def run(*arguments: str, **env: str) -> tuple[int, dict[str, Any]]:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        code = main(["doctor", "--format", "json", *arguments])
        return code, json.loads(capsys.readouterr().out)

    return run


def statuses(answer: dict[str, Any], area: str) -> dict[str, str]:
    """Return subject -> status of an area's findings."""
    return {f["subject"]: f["status"] for f in answer["findings"] if f["area"] == area}


def test_every_setting_has_value_and_source(doctor: Callable[..., Any]) -> None:
    """Flags, environment and defaults are told apart; no setting is left out."""
    _, answer = doctor(
        "--partitions", "9", "--broker", "127.0.0.1:1", KPI_GROUP="mine",
        KPI_REDIS_URL="redis://:hunter2@127.0.0.1:1/0",
    )  # fmt: skip
    settings = answer["settings"]
    assert set(settings) == set(setting_names())
    assert settings["partitions"] == {"value": "9", "source": "--partitions"}
    assert settings["group"] == {"value": "mine", "source": "KPI_GROUP"}
    assert settings["zone"]["source"] == "default"
    assert "hunter2" not in json.dumps(answer)
    assert settings["redis_url"]["value"] == "redis://:***@127.0.0.1:1/0"


def test_dead_services_are_3_and_do_not_hide_the_rest(doctor: Callable[..., Any]) -> None:
    """Broker and Redis are unreachable, the catalogue is still checked."""
    code, answer = doctor("--broker", "127.0.0.1:1", "--redis-url", "redis://127.0.0.1:1/0")
    assert code == 3
    assert statuses(answer, "broker") == {"127.0.0.1:1": "unreachable"}
    assert statuses(answer, "redis") == {"redis://127.0.0.1:1/0": "unreachable"}
    assert statuses(answer, "catalogue") == {"presets": "ok"}


@pytest.mark.servers
def test_missing_topics_are_1_until_they_are_created(
    servers: Addresses, doctor: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The way back that the finding names works."""
    env = {**servers.environment(), "KPI_NAMESPACE": "doctor"}
    code, answer = doctor(**env)
    assert code == 1
    assert set(statuses(answer, "topic").values()) == {"wrong"}
    assert statuses(answer, "clock")["redis"] == "ok"
    assert main(["topics", "create"]) == 0
    capsys.readouterr()
    code, answer = doctor(**env)
    assert code == 0
    assert set(statuses(answer, "topic").values()) == {"ok"}
    code, answer = doctor("--partitions", "7", **env)
    assert code == 0
    assert set(statuses(answer, "topic").values()) == {"warning"}


@pytest.mark.servers
def test_an_evicting_redis_is_1(servers: Addresses, doctor: Callable[..., Any]) -> None:
    """A policy that drops keys would drop figures silently."""
    client = redis.Redis.from_url(servers.redis_url)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        code, answer = doctor(**servers.environment())
        assert code == 1
        assert statuses(answer, "redis")["eviction"] == "wrong"
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.close()


def test_a_wrong_catalogue_is_1_or_3_and_named(
    doctor: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A catalogue that does not load is a finding, not an end."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.yaml").write_text("metrics: {a: {type: nope}}")  # BAD!
    _, answer = doctor("--catalog-dir", str(folder), "--broker", "127.0.0.1:1")
    assert statuses(answer, "catalogue") == {str(folder): "wrong"}


def test_the_table_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """For people: the same settings and findings, as aligned lines."""
    code = main(["doctor", "--broker", "127.0.0.1:1", "--redis-url", "redis://127.0.0.1:1/0"])
    text = capsys.readouterr().out
    assert code == 3
    assert "--broker" in text
    assert "unreachable" in text
