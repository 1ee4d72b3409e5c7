"""The recomputation's SQL, one file a step; ``keyed/`` has one file a kind of keyed figure.

A file is read as a ``string.Template``: ``$name`` stands for what cannot be a parameter (column
lists). Times and limits are session variables, read with ``getvariable``.
"""

from __future__ import annotations

from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def statement(name: str, **parts: str) -> str:
    """Return the SQL of one file with its parts filled in.

    Raises:
        KeyError: the file names a part that is not given.
    """
    text = files(__package__).joinpath(f"{name}.sql").read_text("utf-8")
    return Template(text).substitute(parts)


def text(value: str) -> str:
    """Quote a string literal."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: Iterable[str]) -> str:
    """Quote string literals for an ``in (...)``; never empty, because SQL has no empty list."""
    return ", ".join(map(text, values)) or "null"


def column(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'
