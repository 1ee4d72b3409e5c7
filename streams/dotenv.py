"""Reading a ``.env`` file: ``NAME=value`` lines, comments, quotes. Nothing is expanded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from processors.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def read_dotenv(path: Path | None) -> dict[str, str]:
    """Read a ``.env`` file; a missing one is empty.

    Raises:
        SettingsError: a line is neither blank, a comment nor ``NAME=value``, or the file cannot
            be read.
    """
    if path is None or not path.is_file():
        return {}
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    values: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise SettingsError(
                f"{path}:{number}: not NAME=value: the line would be ignored silently"
            )
        values[name.strip()] = _unquote(value.strip())
    return values


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()
