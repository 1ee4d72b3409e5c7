"""Laws of ``kpi simulate``."""

from __future__ import annotations

import signal
import subprocess
import sys

import msgspec
import pytest

from streams.cli.main import main

HISTORY = ("simulate", "--start", "2026-01-31T12:00:00Z", "--history", "10m", "--seconds", "0")


def test_history_is_reproducible(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """The same arguments print the same events, all inside the history."""
    printed = []
    for _ in range(2):
        assert main(HISTORY) == 0
        printed.append(capfdbinary.readouterr().out)
    assert printed[0] == printed[1]
    events = [msgspec.json.decode(line) for line in printed[0].splitlines()]
    end_ms = 1_769_860_800_000
    assert len(events) > 1000
    assert all(end_ms - 600_000 <= event["ts"] < end_ms for event in events)


def test_live_until_sigterm() -> None:
    """Live traffic flows line by line, and SIGTERM ends it after a whole line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli.main", "simulate", "--rate", "500"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(100)]
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(10) == 0
    times = [msgspec.json.decode(line)["ts"] for line in [*first, *rest.splitlines()]]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "0"],  # BAD! no traffic
        ["--history", "soon"],  # BAD! no duration
        ["--start", "yesterday", "--seconds", "0"],  # BAD! no time
        ["--start", "2026-01-31T12:00:00Z"],  # BAD! live traffic cannot be of another time
        ["--incident", "flood@1m/1m"],  # BAD! no such incident
    ],
)
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be simulated is a usage error of one line."""
    assert main(["simulate", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
