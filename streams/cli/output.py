"""What commands print: JSON for programs, tables for people, colours only on a terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format json|table``."""
    parser.add_argument("--format", choices=("table", "json"), default="table", help="(table)")


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201  # the command's answer


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns: drawn on a terminal, plain text elsewhere (never cut or wrapped)."""
    if sys.stdout.isatty():
        _print_drawn(headers, rows)
        return
    cells = [list(headers), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())  # noqa: T201  # the command's answer


def _print_drawn(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich import box  # noqa: PLC0415  # slow to import, not needed for JSON
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)
