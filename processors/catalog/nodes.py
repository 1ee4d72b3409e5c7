"""YAML as values that remember where they stand.

Scalars stay the text that was written: ``0.1`` is not rounded and ``no`` is not a boolean; each
field says itself what it wants to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from processors.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEPTH_MAX = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A value, and the file and line (1-based) of its key or list item.

    ``value`` is text, None, a list of nodes, or a mapping of nodes.
    """

    value: Any
    file: str
    line: int

    def plain(self) -> Any:
        """Return the value without positions, for messages."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class Problems(list[CatalogError]):
    """Every fault found so far: a reader wants them all, not the first."""

    def add(self, node: Node, subject: str, field: str, consequence: str) -> None:
        """Report what stands at ``node``."""
        self.append(CatalogError(node.file, node.line, subject, field, node.plain(), consequence))


def read_yaml(file: str, text: str, problems: Problems) -> Node:
    """Parse one YAML document; an unreadable or empty one is an empty mapping."""
    empty = Node({}, file, 1)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.append(_unreadable(file, line, error.problem or str(error)))
        return empty
    except yaml.YAMLError as error:
        problems.append(_unreadable(file, 0, str(error)))
        return empty
    if root is None:
        return empty
    node = _convert(root, file, root.start_mark.line + 1, problems, 0)
    if not isinstance(node.value, dict):
        problems.add(node, "file", "top level", "nothing is read: it must be a mapping")
        return empty
    return node


def _unreadable(file: str, line: int, problem: str) -> CatalogError:
    return CatalogError(file, line, "file", "YAML", problem, "nothing of this file can be read")


def _convert(node: yaml.Node, file: str, line: int, problems: Problems, depth: int) -> Node:
    if depth > _DEPTH_MAX:
        problems.add(Node("...", file, line), "file", "nesting", "an alias may hold itself")
        return Node(None, file, line)
    if isinstance(node, yaml.MappingNode):
        return Node(_mapping(node, file, problems, depth), file, line)
    if isinstance(node, yaml.SequenceNode):
        return Node(
            [
                _convert(item, file, item.start_mark.line + 1, problems, depth + 1)
                for item in node.value
            ],
            file,
            line,
        )
    null = node.tag == "tag:yaml.org,2002:null"
    return Node(None if null else str(node.value), file, line)


def _mapping(
    node: yaml.MappingNode, file: str, problems: Problems, depth: int
) -> Mapping[str, Node]:
    found: dict[str, Node] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = str(key.value)
        if name in found:
            problems.add(
                Node(name, file, line),
                name,
                "key",
                f"it already stands in line {found[name].line}: one of the two would be lost",
            )
            continue
        found[name] = _convert(value, file, line, problems, depth + 1)
    return found
