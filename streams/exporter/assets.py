"""The live page's files: read once, served with a policy that lets nothing else in.

The page holds no figures, so it needs no token; what it shows it asks the API for.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterator

START_PATH: Final = "/"
PREFIX: Final = "/live/"
FOLDER: Final = Path(__file__).with_name("live")
_START_FILE: Final = "index.html"
_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_COMPRESSED: Final = frozenset({".html", ".css", ".js", ".svg"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked for anew each time, sent anew only where it changed
}


def is_asset(path: str) -> bool:
    """Tell whether a path is the page's or one of its files'."""
    return path == START_PATH or path.startswith(PREFIX)


class Assets:
    """The files by the path under which they are served.

    Args:
        folder: where they lie; what has another ending than the page uses is not served.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {path: _File(file) for path, file in _served(folder)}

    def paths(self) -> tuple[str, ...]:
        """Return every path that is served."""
        return tuple(self._files)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file, with 304 where the client has it, with 404 where there is none."""
        found = self._files.get(request.path)
        if found is None:
            return web.Response(status=404, text="there is no such file\n")
        return found.answer(request)


class _File:
    """One file, with the tag by which clients know it again."""

    def __init__(self, path: Path) -> None:
        self._body = path.read_bytes()
        self._type = _TYPES[path.suffix]
        self._compressed = path.suffix in _COMPRESSED
        self._tag = hashlib.sha256(self._body).hexdigest()[:32]

    def answer(self, request: web.Request) -> web.Response:
        if any(tag.value in (self._tag, "*") for tag in request.if_none_match or ()):
            response = web.Response(status=304, headers=_HEADERS)
        else:
            charset = "utf-8" if self._compressed else None
            response = web.Response(
                body=self._body, content_type=self._type, charset=charset, headers=_HEADERS
            )
            if self._compressed:
                response.enable_compression()
        response.etag = self._tag
        return response


def _served(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES and path.is_file():
            name = path.relative_to(folder).as_posix()
            yield (START_PATH if name == _START_FILE else PREFIX + name), path
