"""A headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Self

import aiohttp

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--lang=en-US",  # containers have little of it; figures are compared
    "--remote-debugging-port=0", "--remote-allow-origins=*",
)  # fmt: skip
DEADLINE_S = 60


def chromium() -> str | None:
    """Return the browser's path, None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Tab:
    """One tab.

    Attributes:
        events: what the browser told of the domains that were enabled, in order; it is read while
            a method is called.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.events: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a DevTools method and return its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == number:
                    assert "error" not in message, message
                    return dict(message["result"])
                self.events.append(message)

    async def open(self, url: str, referrer: str = "") -> None:
        """Go to a page and wait until it is loaded."""
        await self.call("Page.navigate", url=url, referrer=referrer)
        await self.until("document.readyState === 'complete' && location.href", url)

    async def run(self, script: str) -> Any:
        """Evaluate JavaScript and return its value."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, script: str, value: object) -> None:
        """Wait until an expression has a value."""
        async with asyncio.timeout(DEADLINE_S):
            while await self.run(script) != value:  # noqa: ASYNC110  # it is in another process
                await asyncio.sleep(0.02)

    async def click(self, selector: str) -> None:
        """Click an element with the mouse."""
        box = await self.run(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )


class Browser:
    """A browser process with an empty profile; an async context manager."""

    def __init__(self, directory: Path) -> None:
        self._profile = directory / "profile"

    async def __aenter__(self) -> Self:
        """Start it."""
        self._profile.mkdir()
        path = chromium()
        assert path is not None
        self._process = subprocess.Popen(  # noqa: ASYNC220  # it takes no time
            [path, *FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._session = aiohttp.ClientSession()
        port_file = self._profile / "DevToolsActivePort"
        async with asyncio.timeout(DEADLINE_S):
            while not _written(port_file):  # noqa: ASYNC110  # by another process
                await asyncio.sleep(0.05)
        self._url = f"http://127.0.0.1:{port_file.read_text().splitlines()[0]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        """End it."""
        await self._session.close()
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 20)

    async def tab(self) -> Tab:
        """Open a tab."""
        async with self._session.put(f"{self._url}/json/new?about:blank") as answer:
            target = await answer.json()
        socket = await self._session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0)
        tab = Tab(socket)
        await tab.call("Page.enable")
        return tab

    async def close_tab(self, tab: Tab) -> None:
        """Close a tab as a user does: the page may still send its last beacon."""
        await tab.call("Page.close")


def _written(file: Path) -> bool:
    return file.is_file() and "\n" in file.read_text()
