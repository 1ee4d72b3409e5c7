"""Readers of single fields: from a node to a value, or a fault that says what would go wrong."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from processors.durations import parse_duration_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from processors.catalog.nodes import Node, Problems

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,9})?")


class Fault(Exception):  # noqa: N818  (not an error yet: it becomes a CatalogError with a subject)
    """What is wrong with one node, and what it would lead to."""

    def __init__(self, node: Node, consequence: str, field: str = "") -> None:
        self.node, self.consequence, self.field = node, consequence, field
        super().__init__(consequence)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest known word, or all of them where they are few."""
    options = sorted(known)
    near = get_close_matches(word, options, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(options)}" if len(options) <= 40 else "no known one is near"


def text(node: Node) -> str:
    """Read one line of text."""
    if not isinstance(node.value, str) or not node.value.strip():
        raise Fault(node, "it must be text")
    return node.value.strip()


def name(node: Node) -> str:
    """Read an identifier: metric, label and cell names are made of it."""
    word = text(node)
    if not _NAME.fullmatch(word) or len(word) > 80:
        raise Fault(node, "names are snake_case: other characters break metric and cell names")
    return word


def address(node: Node) -> str:
    """Read the address of a page."""
    word = text(node)
    if not re.fullmatch(r"https?://[^\s#\"\\]+", word):
        raise Fault(node, "no http:// or https:// address without #: links would lead nowhere")
    return word


def boolean(node: Node) -> bool:
    """Read ``true`` or ``false``."""
    word = text(node)
    if word not in ("true", "false"):
        raise Fault(node, "it must be true or false")
    return word == "true"


def whole(node: Node) -> int:
    """Read a whole number from 0 on."""
    word = text(node)
    if not re.fullmatch(r"\d{1,12}", word):
        raise Fault(node, "it must be a whole number, 0 or more")
    return int(word)


def decimal(node: Node) -> str:
    """Read a number and keep its exact text, without exponent or needless zeros."""
    word = text(node)
    if not _DECIMAL.fullmatch(word):
        raise Fault(node, "it must be a plain decimal number: no comparison with it would hold")
    return f"{Decimal(word).normalize():f}"


def duration_text(node: Node) -> str:
    """Read a duration such as ``5m`` and keep its text."""
    word = text(node)
    try:
        parse_duration_ms(word)
    except ValueError as error:
        raise Fault(node, str(error)) from None
    return word


def duration_ms(node: Node) -> int:
    """Read a duration as milliseconds."""
    return parse_duration_ms(duration_text(node))


def choice(options: Iterable[str]) -> Callable[[Node], str]:
    """Return a reader of one word out of ``options``."""
    known = tuple(options)

    def read(node: Node) -> str:
        word = text(node)
        if word not in known:
            raise Fault(node, f"unknown; {did_you_mean(word, known)}")
        return word

    return read


def items(node: Node) -> list[Node]:
    """Read a list; one word counts as a list of it."""
    if isinstance(node.value, str):
        return [node]
    if not isinstance(node.value, list):
        raise Fault(node, "it must be a list")
    return list(node.value)


def words(node: Node) -> tuple[str, ...]:
    """Read a list of text without repetitions."""
    found = tuple(map(text, items(node)))
    if len(set(found)) != len(found):
        raise Fault(node, "it names the same thing twice")
    return found


def mapping(node: Node) -> Mapping[str, Node]:
    """Read a mapping."""
    if not isinstance(node.value, dict):
        raise Fault(node, "it must be a mapping")
    return node.value


def read_fields(
    entry: Mapping[str, Node],
    readers: Mapping[str, Callable[[Node], Any]],
    subject: str,
    problems: Problems,
) -> dict[str, Any]:
    """Read what can be read of an entry and report the rest.

    Returns:
        The fields that were read. A field with a fault is left out.
    """
    values: dict[str, Any] = {}
    for field, node in entry.items():
        reader = readers.get(field)
        if reader is None:
            hint = did_you_mean(field, readers)
            problems.add(node, subject, field, f"unknown field, it would be ignored; {hint}")
            continue
        try:
            values[field] = reader(node)
        except Fault as fault:
            problems.add(fault.node, subject, fault.field or field, fault.consequence)
    return values
