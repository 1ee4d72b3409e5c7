"""What the README shows is what there is."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from processors.catalog.load import check_catalog
from processors.decode import Decoder
from streams.catalog_files import preset_sources
from streams.cli.registry import COMMANDS
from streams.producer.gate import validity_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the README's code blocks of a language."""
    parts = re.split(r"^```(\w*)\n", README, flags=re.MULTILINE)
    # text, opening fence's language, code, closing fence, text, ...
    return [parts[i + 1] for i in range(1, len(parts), 4) if parts[i] == language]


def test_every_command_is_listed_and_every_listed_command_exists() -> None:
    """The list of commands is the registry."""
    listing = next(block for block in blocks("") if block.startswith("kpi demo"))
    listed: set[str] = set()
    for line in listing.splitlines():
        usage = re.split(r"\s{2,}", line)[0].removeprefix("kpi ")
        names = usage if " | " in usage else usage.split()[0]
        listed.update(names.split(" | "))
    assert listed == {command.name for command in COMMANDS}


def test_the_kpi_shown_is_valid() -> None:
    """The YAML loads beside the presets without a fault."""
    (yaml,) = blocks("yaml")
    assert check_catalog([*preset_sources(), ("README.md", yaml)]) == []


def test_the_event_shown_is_accepted() -> None:
    """The Python parses, and the worker would accept its event."""
    (code,) = blocks("python")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    call = next(call for call in calls if call.keywords)
    assert isinstance(call.func, ast.Attribute)
    now_ms = time.time_ns() // 1_000_000
    event: dict[str, Any] = {"event_id": "1", "ts": now_ms, "type": call.func.attr}
    event |= {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    judged = Decoder(validity_of()).judge(msgspec.json.encode(event), now_ms)
    assert type(judged).__name__ == "Purchase", judged


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_file_linked_exists(link: str) -> None:
    """No dead link inside the repository."""
    assert (ROOT / link).exists()


def test_the_folder_tree_is_the_repository() -> None:
    """Every folder named is there."""
    tree = next(block for block in blocks("") if block.startswith("processors/"))
    folders = [""]
    for line in tree.splitlines():
        name = line.split()[0]
        parent = folders[0] if line[0] == " " else ""
        if line[0] != " ":
            folders = [name]
        assert (ROOT / parent / name).is_dir(), name
