"""The house: imports point one way, the core is pure, and no import does work."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(p for d in ("processors", "streams") for p in (ROOT / d).rglob("*.py"))
EDGE_PACKAGES = {
    "faust", "mode", "aiokafka", "kafka", "redis", "prometheus_client", "aiohttp", "grafana_api",
    "duckdb", "rich", "streams", "socket", "subprocess", "requests", "asyncio", "random", "time",
}  # fmt: skip
CORE_LAYERS = (
    {"errors", "durations", "names", "record", "checkpoint", "sketch", "histogram", "ladder"},
    {"event", "facts", "catalog"},
    {"decode", "dedup", "admission", "windows", "evaluate", "measures", "keyed", "state"},
    {"pipeline"},
)


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports at its top level, and inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def layer(module: str) -> int:
    """Return the core layer of a dotted processors module."""
    name = module.split(".")[1]
    return next(i for i, names in enumerate(CORE_LAYERS) if name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    """The core knows nothing of the edge, and its lower layers nothing of the upper ones."""
    if path.is_relative_to(ROOT / "processors") and path.name != "__init__.py":
        modules = imported(path)
        assert not {m.split(".")[0] for m in modules} & EDGE_PACKAGES
        mine = layer(".".join(path.relative_to(ROOT).with_suffix("").parts))
        core = [m for m in modules if m.startswith("processors.")]
        assert all(layer(m) <= mine for m in core), "a lower layer imports an upper one"
    else:
        assert "tests" not in {m.split(".")[0] for m in imported(path)}


def test_no_import_does_work() -> None:
    """Importing every module opens no socket, starts no thread and writes nothing."""
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in MODULES]
    names = [n.removesuffix(".__init__") for n in names if not n.endswith("__main__")]
    program = f"""
import sys, threading
def forbid(event, args):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen"):
        raise RuntimeError(event)
sys.addaudithook(forbid)
import importlib
for name in {names!r}:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=120)
