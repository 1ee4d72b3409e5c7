"""Schema evolution: what may change while old producers go on publishing.

Allowed: a new type, a new optional field, a wider type, a field no longer required.
Breaking: a type or field taken away, a new required field, a narrower type or bound, another
topic. A field's unknown spellings were always kept, so taking a field away changes what old
events mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LOWER = ("minimum", "exclusiveMinimum", "minLength")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength")


def breaking_changes(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return what old producers would stumble over, one line each.

    Args:
        old: type -> schema as published.
        new: type -> schema as it would be.
    """
    lines = [f"{name}: the type is gone" for name in old if name not in new]
    for name, schema in old.items():
        if name in new:
            lines.extend(f"{name}: {change}" for change in _changes(schema, new[name]))
    return lines


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if old.get("x-topic") != new.get("x-topic"):
        yield f"moved from {old.get('x-topic')} to {new.get('x-topic')}"
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{name} is now required"
    if "anyOf" in new and new["anyOf"] != old.get("anyOf"):
        yield "needs one of other identities than before"
    for name, rule in before.items():
        if name not in after:
            yield f"{name} is gone"
        else:
            yield from (f"{name}: {change}" for change in _narrowed(rule, after[name]))


def _narrowed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What the old rule allowed and the new one does not."""
    kept = [_plain(rule) for rule in new.get("anyOf", [new])]
    for rule in old.get("anyOf", [old]):
        if _plain(rule) in kept:
            continue
        if not any(_covers(other, rule) for other in new.get("anyOf", [new])):
            yield f"no longer allows {_plain(rule)}"


def _covers(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    if not _types(old) <= _types(new):
        return False
    if "const" in new and new["const"] != old.get("const"):
        return False
    if "enum" in new and not set(old.get("enum", ("anything",))) <= set(new["enum"]):
        return False
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        return False
    lower = all(old.get(bound, float("-inf")) >= new[bound] for bound in _LOWER if bound in new)
    upper = all(old.get(bound, float("inf")) <= new[bound] for bound in _UPPER if bound in new)
    return lower and upper


def _types(rule: Mapping[str, Any]) -> set[str]:
    found = rule.get("type", "any")
    types = {found} if isinstance(found, str) else set(found)
    return types | {"integer"} if "number" in types else types


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name not in ("description", "title")}
