"""The exporter's API as ``kpi top`` reads it: answers, and the stream of changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import ClientError, ClientTimeout, InvalidURL

from processors.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from aiohttp import ClientResponse, ClientSession

ANSWER_S_MAX: Final = 30.0
SILENCE_S_MAX: Final = 25.0  # the exporter speaks every ten seconds at least
_LINE_BYTES_MAX: Final = 1 << 26


class Feed:
    """One exporter.

    Args:
        session: to ask with.
        url: the exporter's, without a slash at the end.
        token: what it asks for; empty where it asks for none.
    """

    def __init__(self, session: ClientSession, url: str, token: str) -> None:
        self._session, self.url = session, url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def get(self, path: str, asked: Mapping[str, str] | None = None) -> Any:
        """Return an answer.

        Raises:
            UsageError: what is asked for does not exist.
            UnreachableError: the exporter is away, refused, or has no figures yet.
        """
        try:
            async with self._session.get(
                f"{self.url}{path}",
                params=asked,
                headers=self._headers,
                timeout=ClientTimeout(total=ANSWER_S_MAX),
            ) as answer:
                await self._check(answer)
                return msgspec.json.decode(await answer.read())
        except InvalidURL as error:
            raise UsageError(f"--url: {self.url!r} is not an address: {error}") from error
        except (ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise UnreachableError(self._away(error)) from error

    async def follow(self, asked: Mapping[str, str]) -> AsyncGenerator[tuple[str, Any], None]:
        """Yield (name, data) of the events as they come, until the stream is cut.

        Raises:
            UsageError, UnreachableError: as :meth:`get`; always one of them in the end.
        """
        try:
            async with self._session.get(
                f"{self.url}/api/v1/stream",
                params=asked,
                headers=self._headers,
                timeout=ClientTimeout(total=None, sock_connect=ANSWER_S_MAX),
            ) as answer:
                await self._check(answer)
                async for event in _events(answer):
                    yield event
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            raise UnreachableError(self._away(error)) from error
        raise UnreachableError(f"the exporter at {self.url} has ended the stream")

    async def _check(self, answer: ClientResponse) -> None:
        if answer.status == 200:
            return
        text = " ".join((await answer.text()).split())
        if answer.status in (401, 403):
            raise UnreachableError(
                f"the exporter at {self.url} refused: {text}; its token is the setting "
                "exporter_token (KPI_EXPORTER_TOKEN or KPI_EXPORTER_TOKEN_FILE)"
            )
        try:
            text = msgspec.json.decode(text)["error"]
        except (msgspec.DecodeError, KeyError, TypeError):
            pass  # no JSON, so no exporter of ours, or a proxy before it
        else:
            if answer.status == 404:
                raise UsageError(text)
        raise UnreachableError(f"the exporter at {self.url} answered {answer.status}: {text}")

    def _away(self, error: BaseException) -> str:
        said = str(error) or type(error).__name__
        return (
            f"no exporter at {self.url}: {said}; start one with kpi exporter, or say where it is "
            "with --url"
        )


async def _events(answer: ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    name, rest = "", b""
    while True:
        async with asyncio.timeout(SILENCE_S_MAX):
            chunk = await answer.content.readany()
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LINE_BYTES_MAX:
            raise ValueError("an event is larger than any exporter sends")
        for line in lines:
            if line.startswith(b"event: "):
                name = line.removeprefix(b"event: ").decode()
            elif line.startswith(b"data: "):
                yield name, msgspec.json.decode(line.removeprefix(b"data: "))
