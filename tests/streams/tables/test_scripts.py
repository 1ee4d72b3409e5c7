"""The Lua scripts' own rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import streams.tables

SCRIPTS = sorted((Path(streams.tables.__file__).parent / "lua").glob("*.lua"))


def header(text: str) -> str:
    """Return the comment that opens a script."""
    lines = text.splitlines()
    return "\n".join(lines[: next(i for i, line in enumerate(lines) if line[:2] != "--")])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_opens_with_every_key_it_touches(path: Path) -> None:
    """Keys, given or named from the prefix, stand in the comment that opens the script."""
    text = path.read_text(encoding="utf-8")
    listed = header(text)
    named = set(re.findall(r"prefix \.\. '([a-z]+)", text.removeprefix(listed)))
    named |= set(re.findall(r"\{c\.\w+, '(\w+):'", text))
    assert all(re.search(rf"<p>:{name}\b", listed) for name in named), named
    for given in set(re.findall(r"KEYS\[\d\]", text)):
        assert f"  {given}  " in listed


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_sets_no_global(path: Path) -> None:
    """Every function and every first assignment is local: the server refuses globals anyway."""
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"^\s*function ", text, re.MULTILINE)


def test_commit_writes_only_after_its_checks() -> None:
    """Before its second part the commit script calls nothing that writes."""
    text = next(path for path in SCRIPTS if path.stem == "commit").read_text(encoding="utf-8")
    checks, writes = text.split("-- Part 2")
    commands = set(re.findall(r"redis\.p?call\('(\w+)'", checks))
    assert commands == {"HGETALL", "TYPE", "HMGET", "HGET", "ZRANGEBYSCORE", "TIME"}
    assert "return {'ok'}" in writes
    assert writes.count("return") == 1
