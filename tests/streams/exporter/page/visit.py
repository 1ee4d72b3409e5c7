"""A visit to the live page: a tab of a certain size and scheme, and what went wrong in it."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support import axe as axe_folder

if TYPE_CHECKING:
    from tests.support.browser import Browser, Tab

AXE: Final = Path(axe_folder.__file__).with_name("axe.min.js")
READY: Final = (
    "document.getElementById('main').getAttribute('aria-busy') === 'false'"
    " && document.querySelectorAll('.spark[data-state=loading]').length === 0"
)
PIPELINE_READY: Final = "document.querySelectorAll('[data-stat] .value').length > 0"
_KEYS: Final = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowDown": 40, " ": 32}


@dataclass(frozen=True)
class Screen:
    """What it is looked at with."""

    name: str
    width: int
    height: int
    scheme: str = "light"
    scale: float = 1.0


DESKTOP_LIGHT: Final = Screen("desktop-light", 1440, 900)
DESKTOP_DARK: Final = Screen("desktop-dark", 1440, 900, "dark")
PHONE_LIGHT: Final = Screen("phone-light", 390, 844)
PHONE_DARK: Final = Screen("phone-dark", 390, 844, "dark")
WALL_DARK: Final = Screen("wall-dark", 2560, 1440, "dark")


class Visit:
    """One tab at the page."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab, self.url = tab, url

    @classmethod
    async def begin(cls, browser: Browser, url: str, screen: Screen = DESKTOP_LIGHT) -> Visit:
        """Open a tab that nothing has been loaded into yet."""
        tab = await browser.tab()
        for domain in ("Runtime", "Log", "Network"):
            await tab.call(f"{domain}.enable")
        visit = cls(tab, url)
        await visit.look_with(screen)
        return visit

    async def look_with(self, screen: Screen) -> None:
        """Change size and scheme."""
        await self.tab.call(
            "Emulation.setDeviceMetricsOverride",
            width=screen.width,
            height=screen.height,
            deviceScaleFactor=screen.scale,
            mobile=screen.width < 600,
        )
        await self.tab.call(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": screen.scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ],
        )

    async def open(self, address: str = "", ready: str = READY) -> None:
        """Go to an address of the page and wait until it shows figures."""
        target = f"{self.url}/{address}"
        await self.tab.call("Page.navigate", url=target)
        await self.tab.until(f"document.readyState === 'complete' && {ready}", value=True)

    async def run(self, script: str) -> Any:
        """Evaluate JavaScript."""
        return await self.tab.run(script)

    async def until(self, script: str, value: object = True) -> None:
        """Wait until an expression has a value."""
        await self.tab.until(script, value)

    async def press(self, key: str) -> None:
        """Press and release a key, as a user does."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        code = "Space" if key == " " else key
        for kind in ("keyDown", "keyUp"):
            await self.tab.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=code,
                windowsVirtualKeyCode=_KEYS[key],
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    async def text_of(self, selector: str) -> str:
        """Return what an element says."""
        return str(await self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def violations(self) -> list[str]:
        """Return what axe finds, one line each: rule, element, what is wrong."""
        await self.run(AXE.read_text("utf-8") + ";0")
        found = await self.run(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.flatMap("
            "v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`)))"
        )
        return [str(line) for line in found]

    def faults(self) -> list[str]:
        """Return errors of scripts, of the policy and of the network, as the browser told them."""
        found = []
        for event in self.tab.events:
            told = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    found.append(json.dumps(told["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                    found.append(json.dumps(told["args"]))
                case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                    found.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        return found

    def requests(self) -> list[str]:
        """Return the URLs that were asked for."""
        return [
            str(event["params"]["request"]["url"])
            for event in self.tab.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    async def keep_picture(self, name: str) -> None:
        """Keep a screenshot where the environment names a folder for them."""
        folder = os.environ.get("SCREENSHOTS_DIR")
        if folder:
            picture = await self.tab.call("Page.captureScreenshot", format="png")
            _write(Path(folder) / f"{name}.png", base64.b64decode(picture["data"]))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
