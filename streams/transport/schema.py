"""Passes chunks through Faust undecoded: decoding is the pipeline's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faust import Schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class ChunkSchema(Schema):  # type: ignore[misc]
    """A schema whose value is the chunk itself."""

    def compile(self, app: Any, **_kwargs: Any) -> Callable[..., Awaitable[Any]]:
        """Return the function that wraps a message as an event."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001
            return create_event(None, message.value, None, message)

        return decode
