"""Laws of the command line: help, usage errors, one-line errors, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cli.main import main
from streams.cli.registry import COMMANDS

ROOT = Path(__file__).parents[3]
HEAVY = ("faust", "aiokafka", "kafka", "redis", "aiohttp", "prometheus_client", "rich", "duckdb")


def kpi(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run ``kpi`` in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("KPI_")}
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments],
        cwd=ROOT,
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_imports_no_client() -> None:
    """``kpi --help`` stays fast: it loads none of the libraries that commands need."""
    code = (
        "import sys\nfrom streams.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_has_help_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command says what it does, by example, and takes every setting."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "examples:" in text
    assert f"kpi {name}" in text
    assert "[KPI_BROKER]" in text


def test_usage_errors_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    """No command, an unknown one, an unknown flag."""
    assert main([]) == 2
    for arguments in (["nonsense"], ["doctor", "--nonsense"], ["catalog"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    assert "invalid choice: 'nonsense'" in capsys.readouterr().err


def test_a_usage_error_shows_the_commands_own_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What went wrong is not lost below forty settings; the help still lists them."""
    with pytest.raises(SystemExit):
        main(["query", "--window"])
    told = capsys.readouterr().err
    assert "[--by DIM,DIM]" in told
    assert "--broker" not in told
    assert told.count("\n") < 6


def test_an_error_is_one_line_with_its_exit_code() -> None:
    """A wrong setting: one line that begins with kpi:, exit code 2, no traceback."""
    done = kpi("catalog", "list", KPI_PARTITIONS="many")
    assert done.returncode == 2
    assert done.stderr == "kpi: partitions from KPI_PARTITIONS: 'many' is not a whole number\n"
    assert done.stdout == ""


def test_an_unreachable_service_is_one_line_and_3() -> None:
    """A dead broker: one line, exit code 3."""
    done = kpi("topics", "list", "--broker", "127.0.0.1:1")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("kpi: broker: 127.0.0.1:1: ")


def test_a_misspelt_setting_is_warned_about_on_stderr() -> None:
    """The answer on stdout stays clean."""
    done = kpi("catalog", "list", "--format", "json", KPI_BROKR="x")
    assert done.returncode == 0
    assert json.loads(done.stdout)
    assert "did you mean KPI_BROKER?" in done.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """``kpi catalog list | head -1`` prints no traceback."""
    pipe = f"{sys.executable} -m streams.cli.main catalog list --format json | head -1"
    done = subprocess.run(
        ["sh", "-c", pipe],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[\n", "")


def test_a_setting_is_taken_before_and_after_an_action(tmp_path: Path) -> None:
    """``kpi catalog --catalog-dir X list`` is ``kpi catalog list --catalog-dir X``."""
    missing = str(tmp_path / "none")
    before = kpi("catalog", "--catalog-dir", missing, "list")
    after = kpi("catalog", "list", "--catalog-dir", missing)
    assert before.returncode == after.returncode == 2
    assert before.stderr == after.stderr
    assert missing in after.stderr
