"""The files of a replay as one sequence of rows."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Final

from processors.errors import UsageError
from streams.replay.lines import LineSource
from streams.replay.mapped import MappedSource
from streams.replay.mapping import preset_names, read_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from streams.replay.rows import Row, Source

_OWN_SUFFIXES: Final = (".ndjson", ".jsonl", ".json")


class Files:
    """Several sources one after another (``as_is``) or merged by event time."""

    def __init__(self, sources: Sequence[Source], *, as_is: bool) -> None:
        self._sources = sources
        self._as_is = as_is
        self.count = sum(source.count for source in sources)
        self.first_ts_ms = min(source.first_ts_ms for source in sources)
        self.last_ts_ms = max(source.last_ts_ms for source in sources)

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        if self._as_is:
            for source in self._sources:
                yield from source.rows()
        else:
            yield from merge(*(s.rows() for s in self._sources), key=lambda row: row.ts_ms)


def open_files(paths: Sequence[Path], mapping: str | None, *, as_is: bool = False) -> Files:
    """Open files of own events, or of foreign rows with a mapping (a preset's name or a file).

    Raises:
        UsageError: a file or the mapping cannot be used.
    """
    rules = None if mapping is None else read_mapping(mapping)
    sources: list[Source] = []
    for path in paths:
        if rules is not None:
            sources.append(MappedSource(path, rules, as_is=as_is))
        elif path.suffix in _OWN_SUFFIXES:
            sources.append(LineSource(path, as_is=as_is))
        else:
            raise UsageError(
                f"{path}: without a mapping only events as JSON lines ({', '.join(_OWN_SUFFIXES)})"
                f" can be read; --mapping takes a file or one of {', '.join(preset_names())}"
            )
    return Files(sources, as_is=as_is)
