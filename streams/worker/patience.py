"""Waits for a service that is away, as long as it takes, and says so once."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from faust.exceptions import ProducerSendError

from processors.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Of Redis only what streams/tables calls unreachable: any other of its errors would never go away.
AWAY: Final = (UnreachableError, KafkaError, ProducerSendError, OSError, TimeoutError)
_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 5.0

logger = logging.getLogger(__name__)
T = TypeVar("T")


def is_oversize(error: BaseException | None) -> bool:
    """Tell whether a record was refused for its length, which no retry mends; Faust wraps that."""
    while error is not None and not isinstance(error, _TOO_LARGE):
        error = error.__cause__
    return error is not None


class AbandonedError(Exception):
    """The wait was given up because the partition is being handed over."""


class Patience:
    """Retries one partition's calls while holding the partition back.

    Args:
        label: the partition, for the log.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._given_up = asyncio.Event()
        self.held_since: float | None = None
        self.reason = ""

    @property
    def held_s(self) -> float:
        """The time (s) for which a service that is away has held the partition back."""
        return 0.0 if self.held_since is None else monotonic() - self.held_since

    def give_up(self) -> None:
        """End the present and every later wait with :class:`AbandonedError`."""
        self._given_up.set()

    def renew(self) -> None:
        """Allow waits again."""
        self._given_up.clear()

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what ``attempt`` returns, repeating it while its service is away.

        Raises:
            AbandonedError: :meth:`give_up` was called meanwhile.
            Exception: what no retry mends.
        """
        wait_s = RETRY_FIRST_S
        while True:
            try:
                result = await attempt()
            except AWAY as error:
                if is_oversize(error):
                    raise
                self._note(error)
            else:
                self._note_return()
                return result
            try:
                async with asyncio.timeout(wait_s):
                    await self._given_up.wait()
                raise AbandonedError
            except TimeoutError:
                wait_s = min(2 * wait_s, RETRY_MAX_S)

    def _note(self, error: Exception) -> None:
        self.reason = f"{type(error).__name__}: {error}"
        if self.held_since is None:
            self.held_since = monotonic()
            logger.warning("%s is held back, nothing is lost: %s", self._label, self.reason)

    def _note_return(self) -> None:
        if self.held_since is not None:
            logger.info("%s goes on after %.1f s", self._label, monotonic() - self.held_since)
            self.held_since, self.reason = None, ""
