"""The house: imports point one way, the core is pure, and no import does work."""

from __future__ import annotations

import ast
import graphlib
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


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports at its top level, and inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def dotted(path: Path) -> str:
    """Return a file's module name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    """The core knows nothing of the edge, the edge nothing of its command line or the tests."""
    packages = {module.split(".")[0] for module in imported(path)}
    assert "tests" not in packages
    if path.is_relative_to(ROOT / "processors"):
        assert not packages & EDGE_PACKAGES
    elif not path.is_relative_to(ROOT / "streams/cli"):
        assert not [m for m in imported(path) if m.startswith("streams.cli")]


def test_no_import_cycle() -> None:
    """Every module can be understood after the modules it imports."""
    known = {dotted(path) for path in MODULES}
    graph = {dotted(p): (imported(p) & known) - {dotted(p)} for p in MODULES}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) >= len(known)


def test_no_import_does_work() -> None:
    """Importing every module opens no socket, starts no thread and writes nothing."""
    names = [dotted(p) for p in MODULES if p.name != "__main__.py"]
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
