"""``kpi top`` as a process, against a serving exporter: what it says is what the API says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import termios
import time
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from streams.embedded.ports import free_port
from tests.streams.exporter.site import START_MS
from tests.streams.exporter.traffic import traffic

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from tests.streams.exporter.site import Site

HOUR_MS = 3_600_000
DEADLINE_S = 60.0
COMMAND = (sys.executable, "-m", "streams.cli.main", "top")
VIEW = {"type": "page_view", "ts": START_MS, "visitor_id": "v", "source": "a"}
_OTHERS = ("KPI_", "COLUMNS", "LINES")  # a shell's size would stand for the terminal's
ENVIRONMENT = {n: v for n, v in os.environ.items() if not n.startswith(_OTHERS)} | {
    "PYTHONPATH": str(Path.cwd()),
    "TERM": "xterm-256color",
}


@asynccontextmanager
async def running(*arguments: str, **options: Any) -> AsyncIterator[Process]:
    """Run the command; it is ended with the context if it has not ended before."""
    piped = dict.fromkeys(("stdout", "stderr"), asyncio.subprocess.PIPE)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, **({"env": ENVIRONMENT, "limit": 1 << 24} | piped | options)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run to the end: exit code, output, errors."""
    async with running(*arguments, env=ENVIRONMENT | environment) as process:
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        return process.returncode or 0, out.decode(), err.decode()


async def line_with(process: Process, pattern: str) -> str:
    """Return the next line of the output that has a pattern."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while True:
            line = (await process.stdout.readline()).decode()
            assert line, "it has ended"
            if re.search(pattern, line):
                return line.rstrip()


async def busy(site: Site) -> None:
    """Fill the tables with some of everything."""
    await site.owner.claim()
    await site.owner.publish(*traffic(Random(7), 300, START_MS - 4 * HOUR_MS, START_MS))
    await site.owner.tick(START_MS)


async def test_once_as_json_is_the_apis(site: Site) -> None:
    """Every line's value is the API's, and every total of the API has its line."""
    await busy(site)
    async with site.exporter() as exporter:
        code, out, err = await said(
            "--url", exporter.url, "--once", "--format", "json", "--window", "60m"
        )
        path = "/api/v1/kpis?window=1h&by=total&nearest=true&top=5"
        found = json.loads(await exporter.text(path))
        health = json.loads(await exporter.text("/api/v1/health"))
    assert (code, err) == (0, "")
    lines = json.loads(out)["lines"]
    expected = {
        (row["kpi"], row["stat"], row["window"], *row["dimensions"].items()): (
            row["value"],
            row["samples"],
        )
        for row in found
    }
    shown = {
        (line["kpi"], line["stat"], line["window"], *line["dimensions"].items()): (
            line["value"],
            line["samples"],
        )
        for line in lines
        if line["window"]
    }
    totals = {key: value for key, value in expected.items() if key in shown or len(key) == 3}
    assert {key: shown[key] for key in totals} == totals
    assert set(shown) <= set(expected)
    assert len(totals) > 60
    for line in lines:
        waits = health["waiting"].get(line["kpi"], {}).get(line["window"], "")
        if line["waiting"] and line["window"]:
            assert line["waiting"] == waits
            assert line["value"] is None


async def test_a_plain_table_an_update(site: Site) -> None:
    """In a pipe a table follows every change, with figures by unit; SIGTERM ends it with 0."""
    await site.owner.claim()
    await site.owner.publish(VIEW)
    options = ("--kpi", "page_views,conversion_rate", "--interval", "0.1")
    async with site.exporter() as exporter, running("--url", exporter.url, *options) as process:
        assert (
            await line_with(process, "^Page views")
            == (
                re.match(
                    r"Page views +1h +1 .*provisional", await line_with(process, "^Page views")
                )
                or [""]
            )[0]
        )
        for count in (2, 3):
            await site.owner.publish(VIEW)
            await line_with(process, rf"^Page views +1h +{count} ")
        await line_with(process, r"^Conversion rate +1h +0\.00% +✗ 3\.00%")
        process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        assert (process.returncode, err) == (0, b"")


async def test_a_cut_stream_is_said_and_taken_up_again(site: Site) -> None:
    """While the exporter is away it says so once; afterwards tables follow again."""
    await site.owner.claim()
    await site.owner.publish(VIEW)
    port = free_port()
    options = ("--kpi", "page_views", "--interval", "0.1", "--url", f"http://127.0.0.1:{port}")
    async with running(*options, stdin=asyncio.subprocess.DEVNULL) as early:
        assert early.stderr is not None
        assert await asyncio.wait_for(early.wait(), DEADLINE_S) == 3
    async with site.exporter(port=port) as exporter:
        process_context = running(*options)
        process = await process_context.__aenter__()
        await line_with(process, r"^Page views +1h +1 ")
        assert exporter.port == port
    try:
        assert process.stderr is not None
        told = await asyncio.wait_for(process.stderr.readline(), DEADLINE_S)
        assert b"exporter at" in told
        assert b"trying again" in told
        await site.owner.publish(VIEW)
        async with site.exporter(port=port):
            await line_with(process, r"^Page views +1h +2 ")
    finally:
        await process_context.__aexit__(None, None, None)


async def test_what_is_wrong_is_one_line(site: Site) -> None:
    """An exporter that is away or refuses is 3, what does not exist is 2; each says what to do."""
    await site.owner.claim()
    async with site.exporter(token="s3cret") as exporter:  # noqa: S106
        at = ("--url", exporter.url, "--once")
        held = {"KPI_EXPORTER_TOKEN": "s3cret"}
        cases = [
            (("--url", f"http://127.0.0.1:{free_port()}"), {}, 3, "kpi exporter"),
            (at, {}, 3, "KPI_EXPORTER_TOKEN_FILE"),
            (at, {"KPI_EXPORTER_TOKEN": "guess"}, 3, "a token is required"),
            ((*at, "--family", "sight"), held, 2, "there are ads, customers"),
            ((*at, "--window", "7h"), held, 2, "there are 1m, 5m"),
            ((*at, "--by", "sauce"), held, 2, "source"),
            ((*at, "--kpi", "page_vews"), held, 2, "did you mean page_views?"),
            ((*at, "--interval", "0"), held, 2, "--interval"),
        ]
        for arguments, environment, code, words in cases:
            found, out, err = await said(*arguments, **environment)
            assert (found, out, len(err.splitlines())) == (code, "", 1), err
            assert words in err
        code, out, _ = await said(*at, "--family", "site", **held)
        assert code == 0
        assert re.search(r"^Page views +1h +0 ", out, re.MULTILINE)


class Terminal:
    """A pseudo-terminal, and everything that was drawn on it."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        self.before = termios.tcgetattr(self.theirs)
        termios.tcsetwinsize(self.theirs, (40, 140))
        self.drawn = ""
        os.set_blocking(self.ours, False)

    def read(self) -> str:
        """Return what has been drawn so far, without colours."""
        try:
            while part := os.read(self.ours, 65_536):
                self.drawn += part.decode("utf-8", "replace")
        except BlockingIOError:
            pass
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.drawn)

    async def shows(self, pattern: str) -> None:
        """Wait until a pattern is drawn, then forget what was drawn before."""
        deadline = time.monotonic() + DEADLINE_S
        while not (found := re.search(pattern, self.read())):
            assert time.monotonic() < deadline, self.read()[-3_000:]
            await asyncio.sleep(0.02)
        assert found
        self.drawn = ""

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.ours, keys)


async def test_keys_turn_the_screen(site: Site) -> None:
    """Keys change window, family and dimensions; q ends with 0 and the terminal as it was."""
    await busy(site)
    terminal = Terminal()
    async with (
        site.exporter() as exporter,
        running(
            *("--url", exporter.url),
            stdin=terminal.theirs,
            stdout=terminal.theirs,
            stderr=terminal.theirs,
        ) as process,
    ):
        await terminal.shows(r"all families \| 1h[\s\S]*Click-through rate[\s\S]*q quit")
        terminal.press(b"\x1b[C")
        await terminal.shows(r"all families \| 1d[\s\S]*Click-through rate +1d")
        terminal.press(b"\x1b[D\t")
        await terminal.shows(r"ads \| 1h[\s\S]*Ad impressions +1h +\d")
        terminal.press(b"d")
        await terminal.shows(r"ads \| 1h \| by ad\b[\s\S]*Ad impressions +1h[\s\S]* ad\d")
        fresh = {"type": "ad_impression", "ts": START_MS, "ad": "ad-fresh", "campaign": "c0"}
        await site.owner.publish(*[fresh] * 60)
        await terminal.shows("ad-fresh")
        terminal.press(b"f")
        await terminal.shows(r"by ad \| final")
        terminal.press(b"q")
        assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
        terminal.read()
        assert "\x1b[?1049l" in terminal.drawn  # it has left the other screen
        assert termios.tcgetattr(terminal.theirs)[3] == terminal.before[3]
