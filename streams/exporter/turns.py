"""Long work in short turns: whoever else uses the event loop waits for one turn at most."""

from __future__ import annotations

import asyncio
import time
from typing import Final

TURN_S: Final = 0.02


class Turns:
    """Gives way once a turn is over."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def pause(self) -> None:
        """Let others run if this turn has lasted long enough."""
        if time.monotonic() - self._since >= TURN_S:
            await asyncio.sleep(0)
            self._since = time.monotonic()
