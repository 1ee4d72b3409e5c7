"""Laws of ``kpi collector``: keys are shown once, settings arrive, mistakes are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import UsageError
from streams.cli.main import main
from streams.collector.config import CollectorConfig
from streams.collector.keys import read_ring
from streams.producer.prepare import now_ms
from streams.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

DAY_MS = 86_400_000


def kpi(*arguments: str) -> int:
    """Run ``kpi collector`` with these arguments and return its exit code."""
    return main(["collector", *arguments])


def test_keys_are_made_rotated_listed_and_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key goes to stdout, once; lists show ids, states and origins, never a key or a hash."""
    path = tmp_path / "keys.json"
    file = ("--collector-keys", str(path))
    assert kpi("keys", "add", "shop", "--origin", "https://shop.example", *file) == 0
    first = capsys.readouterr().out.strip()
    assert kpi("keys", "rotate", "shop", "--grace", "7d", *file) == 0
    second = capsys.readouterr().out.strip()
    ring = read_ring(path)
    assert [key.id for key in ring.keys] == ["shop-1", "shop-2"]
    assert ring.find(first, now_ms() + 6 * DAY_MS) is not None
    assert ring.find(first, now_ms() + 8 * DAY_MS) is None
    assert ring.find(second, now_ms() + 8 * DAY_MS) is not None
    assert kpi("keys", "revoke", "shop-2", *file) == 0
    assert read_ring(path).find(second, now_ms()) is None
    assert kpi("keys", "list", *file) == 0
    listed = capsys.readouterr().out
    assert "shop-1\twrite\tvalid until" in listed
    assert "shop-2\twrite\tended" in listed
    assert "https://shop.example" in listed
    assert not [s for s in (first, second, ring.keys[0].sha256) if s in listed]


def test_another_systems_key_is_taken_over(tmp_path: Path) -> None:
    """So that clients need not change."""
    path, foreign = tmp_path / "keys.json", "Zm9yZWlnbi13cml0ZS1rZXktb2Ytb2xk"
    kpi("keys", "add", "shop", "--take-over", foreign, "--collector-keys", str(path))
    assert read_ring(path).find(foreign, now_ms()) is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("keys", "list"), "--collector-keys names the key file"),
        (("keys", "add", "--collector-keys", "k"), "keys add needs a name"),
        (("--collector-host", "0.0.0.0"), "is not loopback"),  # noqa: S104
    ],
)
def test_mistakes_are_named(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, before anything is written or listened on."""
    assert kpi(*arguments) == UsageError.exit_code
    assert message in capsys.readouterr().err


def test_settings_are_the_products() -> None:
    """The collector's defaults are written down once more, for its tests: they must agree."""
    settings = load_settings({"collector_port": "8080"}, {}, None)
    assert CollectorConfig.of(settings).port == 8080
    assert CollectorConfig.of(load_settings({}, {}, None)) == CollectorConfig()
