"""Redis replies as the tables' types."""

from __future__ import annotations

from collections.abc import Mapping

from processors.sketch import smallest, unpack
from streams.tables.base import Cells, Progress
from streams.tables.keys import META_COUNTER, META_KEPT, SKETCH_LIMIT_SUFFIX


def parse_progress(meta: Mapping[bytes, bytes]) -> Progress:
    """Return the progress that a partition's meta tells; empty where it was never claimed."""
    fields = {name.decode(): value for name, value in meta.items()}

    def integer(name: str) -> int | None:
        value = fields.get(name)
        return int(value) if value else None

    return Progress(
        epoch=integer("epoch") or 0,
        number=integer("number") or 0,
        offset=integer("offset"),
        max_ts_ms=integer("max_ts_ms"),
        written_ms=integer("written_ms"),
        writer=fields.get("writer", b"").decode(),
        counters=_family(fields, META_COUNTER),
        kept_from_ms=_family(fields, META_KEPT),
    )


def parse_cells(cells: Mapping[bytes, bytes], sketches: Mapping[bytes, bytes]) -> Cells:
    """Return a pane's cells."""
    parsed: Cells = {name.decode(): int(value) for name, value in cells.items()}
    for name, blob in sketches.items():
        if not name.endswith(SKETCH_LIMIT_SUFFIX):
            # Stored sketches are compacted now and then only.
            parsed[name.decode()] = frozenset(smallest(unpack(blob)))
    return parsed


def _family(fields: Mapping[str, bytes], prefix: str) -> dict[str, int]:
    return {
        name.removeprefix(prefix): int(value)
        for name, value in fields.items()
        if name.startswith(prefix)
    }
