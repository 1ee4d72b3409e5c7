"""Foreign rows (csv, ndjson, parquet) through a mapping, worked out by DuckDB."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from processors.errors import UsageError
from streams.replay.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from streams.replay.mapping import EventRule, Mapping

_FETCH_ROWS: Final = 10_000
_READERS: Final = {
    ".parquet": "SELECT file_row_number + 1 AS _row, * EXCLUDE (file_row_number)"
    " FROM read_parquet($1, file_row_number = true)",
    ".csv": "SELECT row_number() OVER () AS _row, * FROM read_csv($1)",
    ".tsv": "SELECT row_number() OVER () AS _row, * FROM read_csv($1)",
    ".ndjson": "SELECT row_number() OVER () AS _row, * FROM read_ndjson($1)",
    ".jsonl": "SELECT row_number() OVER () AS _row, * FROM read_ndjson($1)",
}


class MappedSource:
    """The events that a mapping makes of a file's rows, by ts unless ``as_is``.

    Raises:
        UsageError: duckdb is not installed, the file cannot be read, an expression is wrong or
            gives no ts or event_id, or no row gives an event.
    """

    def __init__(self, path: Path, mapping: Mapping, *, as_is: bool = False) -> None:
        self._mapping = mapping
        self._as_is = as_is
        self._duckdb = _duckdb()
        self._con = self._duckdb.connect()
        # One thread while reading: row numbers are then the file's, whatever its format.
        self._con.execute("SET threads = 1; SET TimeZone = 'UTC'")
        self._load(path)
        # A mapping comes from a file: its expressions see the rows, not this machine.
        self._con.execute("SET enable_external_access = false; SET lock_configuration = true")
        self._add_columns()
        for number, rule in enumerate(mapping.events):
            self._make(number, rule)
        self.count, self.first_ts_ms, self.last_ts_ms = self._extent(path)

    def rows(self) -> Iterator[Row]:
        """Yield the events."""
        rules = range(len(self._mapping.events))
        for ts_ms, _, _, event in merge(*map(self._rule_events, rules), key=self._position):
            yield Row(ts_ms, msgspec.json.encode(event), event)

    def _position(self, made: tuple[int, int, int, dict[str, Any]]) -> tuple[int, int, int]:
        ts_ms, row, number, _ = made
        return (0 if self._as_is else ts_ms, row, number)

    def _rule_events(self, number: int) -> Iterator[tuple[int, int, int, dict[str, Any]]]:
        kind = self._mapping.events[number].type
        order = "_row" if self._as_is else "_ts, _row"
        cursor = self._con.cursor()
        cursor.execute(f"SELECT * FROM made_{number} ORDER BY {order}")  # noqa: S608  # ours alone
        names = [column[0] for column in cursor.description][3:]
        while batch := cursor.fetchmany(_FETCH_ROWS):
            for ts_ms, row, event_id, *values in batch:
                event: dict[str, Any] = {"event_id": event_id, "type": kind, "ts": ts_ms}
                event |= {n: v for n, v in zip(names, values, strict=True) if v is not None}
                yield ts_ms, row, number, event

    def _load(self, path: Path) -> None:
        reader = _READERS.get(path.suffix)
        if reader is None:
            raise UsageError(f"{path}: a mapping reads {', '.join(_READERS)} files")
        if not path.is_file():
            raise UsageError(f"{path}: cannot be read: there is no such file")
        self._run(f"CREATE TABLE rows_0 AS {reader}", str(path), parameters=[str(path)])

    def _add_columns(self) -> None:
        where = f"{self._mapping.file}: columns"
        columns = "".join(f", ({sql}) AS {_quoted(n)}" for n, sql in self._mapping.columns.items())
        for name, sql in self._mapping.columns.items():
            self._check(sql, "rows_0", f"{where}: {name}")
        self._run(f"CREATE TABLE mapped AS SELECT *{columns} FROM rows_0", where)  # noqa: S608
        self._con.execute("DROP TABLE rows_0")

    def _make(self, number: int, rule: EventRule) -> None:
        where = f"{self._mapping.file}: events[{number}] ({rule.type})"
        for name, sql in ({"event_id": rule.event_id, "when": rule.when} | rule.fields).items():
            self._check(sql, "mapped", f"{where}: {name}")
        ts = f"({rule.ts})"
        if self._check(rule.ts, "mapped", f"{where}: ts").startswith(("TIMESTAMP", "DATE")):
            ts = f"epoch_ms({ts})"
        fields = "".join(f", ({sql}) AS {_quoted(name)}" for name, sql in rule.fields.items())
        self._run(
            f"CREATE TABLE made_{number} AS SELECT CAST({ts} AS BIGINT) AS _ts, _row,"  # noqa: S608
            f" CAST(({rule.event_id}) AS VARCHAR) AS _event_id{fields}"
            f" FROM mapped WHERE ({rule.when})",
            where,
        )
        for name in ("ts", "event_id"):
            missing = self._con.execute(
                f"SELECT min(_row) FROM made_{number} WHERE _{name} IS NULL"  # noqa: S608
            ).fetchone()
            if missing and missing[0] is not None:
                raise UsageError(
                    f"{where}: {name}: NULL in row {missing[0]}: an event without it cannot be"
                    " placed; leave such rows out by `when`"
                )

    def _extent(self, path: Path) -> tuple[int, int, int]:
        parts = " UNION ALL ".join(
            f"SELECT _ts FROM made_{number}"  # noqa: S608
            for number in range(len(self._mapping.events))
        )
        found = self._con.execute(
            f"SELECT count(*), min(_ts), max(_ts) FROM ({parts})"  # noqa: S608
        ).fetchone()
        if not found or not found[0]:
            raise UsageError(f"{path}: the mapping {self._mapping.name} makes no event of any row")
        return found[0], found[1], found[2]

    def _check(self, sql: str, table: str, where: str) -> str:
        """Return an expression's type, so that a fault is known by its field."""
        described = self._run(f"DESCRIBE SELECT ({sql}) AS x FROM {table}", where).fetchone()  # noqa: S608
        return str(described[1]) if described else ""

    def _run(
        self, sql: str, where: str, parameters: list[str] | None = None
    ) -> duckdb.DuckDBPyConnection:
        try:
            return cast("duckdb.DuckDBPyConnection", self._con.execute(sql, parameters))
        except self._duckdb.Error as error:
            text = str(error).split("\n\n", maxsplit=1)[0]
            raise UsageError(f"{where}: {' '.join(text.split())}") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415  # only mappings need it
    except ImportError as error:
        raise UsageError(
            "mappings need duckdb: install kpi-streams[verify]; own events (ndjson) do not"
        ) from error
    return duckdb
