"""Laws of the settings: which source wins, and what is refused or warned about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.errors import SettingsError
from streams.settings import Settings, load_settings, setting_names

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    """Return a ``.env`` file that sets two things."""
    path = tmp_path / ".env"
    path.write_text(
        "# ours\nexport KPI_PARTITIONS=5\nKPI_GROUP='mine'\nOTHER=1\nKPI_ZONE= # none\n"
    )
    return path


def test_flag_beats_environment_beats_dotenv_beats_default(dotenv: Path) -> None:
    """The strongest source wins, and is named."""
    env = {"KPI_PARTITIONS": "6"}
    flagged = load_settings({"partitions": "7"}, env, dotenv)
    assert (flagged.partitions, flagged.sources["partitions"]) == (7, "--partitions")
    from_env = load_settings({"partitions": None}, env, dotenv)
    assert (from_env.partitions, from_env.sources["partitions"]) == (6, "KPI_PARTITIONS")
    from_file = load_settings({}, {}, dotenv)
    assert (from_file.partitions, from_file.sources["partitions"]) == (5, ".env")
    default = load_settings({}, {}, None)
    assert (default.partitions, default.sources["partitions"]) == (4, "default")


def test_defaults_work() -> None:
    """Without any source the settings are the defaults, and every setting has a source."""
    settings = load_settings({}, {}, None)
    assert settings == Settings()
    assert set(settings.sources) == set(setting_names())


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """KPI_<NAME>_FILE is read, without its final newline."""
    secret = tmp_path / "url"
    secret.write_text("redis://:p@h:1/0\n")
    settings = load_settings({}, {"KPI_REDIS_URL_FILE": str(secret)}, None)
    assert settings.redis_url == "redis://:p@h:1/0"
    with pytest.raises(SettingsError, match=r"KPI_REDIS_URL_FILE.*cannot be read"):
        load_settings({}, {"KPI_REDIS_URL_FILE": str(tmp_path / "none")}, None)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("KPI_PARTITIONS", "four", "partitions from KPI_PARTITIONS: 'four' is not a whole number"),
        ("KPI_PARTITIONS", "0", "must be 1 to 1000"),
        ("KPI_BROKER", "localhost", "HOST:PORT"),
        ("KPI_ZONE", "Mars/Olympus", "not a time zone"),
        ("KPI_NAMESPACE", "a.b", "lower-case letters"),
        ("KPI_LOG_LEVEL", "loud", "debug, info"),
        ("KPI_EXPORTER_PORT", "70000", "0 to 65535"),
    ],
)
def test_an_unusable_value_is_refused_by_name(name: str, value: str, complaint: str) -> None:
    """The error names the setting, its source, the value and the rule."""
    with pytest.raises(SettingsError, match=complaint):
        load_settings({}, {name: value}, None)


def test_a_refused_secret_is_not_shown() -> None:
    """An unusable Redis URL may hold a password: the message hides it."""
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {"KPI_REDIS_URL": "http://:hunter2@h"}, None)
    assert "hunter2" not in str(caught.value)


def test_a_misspelt_name_is_warned_about() -> None:
    """An unknown KPI_* name has no effect and says so, with the nearest real one."""
    settings = load_settings({}, {"KPI_PARTITONS": "9", "HOME": "/"}, None)
    assert settings.partitions == 4
    assert len(settings.warnings) == 1
    assert "KPI_PARTITONS" in settings.warnings[0]
    assert "did you mean KPI_PARTITIONS?" in settings.warnings[0]


def test_a_broken_dotenv_names_its_line(tmp_path: Path) -> None:
    """A line that is not NAME=value is an error, not ignored."""
    path = tmp_path / ".env"
    path.write_text("KPI_GROUP=a\nnonsense\n")
    with pytest.raises(SettingsError, match=r"\.env:2: not NAME=value"):
        load_settings({}, {}, path)


def test_a_child_sees_the_same_settings() -> None:
    """What a process hands to its children through the environment loads to the same settings."""
    settings = load_settings({"exporter_port": 0, "zone": "Asia/Kolkata"}, {"KPI_GROUP": "g"}, None)
    assert load_settings({}, settings.environment(), None) == settings
