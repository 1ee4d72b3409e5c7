"""Lua scripts on the server: by digest, with the text only where the server does not know it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from streams.tables.connection import call


class Script(NamedTuple):
    """A script's text and the digest that the server knows it by."""

    text: str
    digest: str


@cache
def script(name: str) -> Script:
    """Return the script in ``lua/<name>.lua``."""
    text = files("streams.tables").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


async def run(client: Redis, name: str, keys: list[str], *args: bytes | str | int) -> Any:
    """Run a script on keys of one hash slot and return its reply."""
    wanted = script(name)
    try:
        return await call(client, "EVALSHA", wanted.digest, len(keys), *keys, *args)
    except NoScriptError:  # the server was restarted, or never saw it: EVAL also loads it
        return await call(client, "EVAL", wanted.text, len(keys), *keys, *args)
