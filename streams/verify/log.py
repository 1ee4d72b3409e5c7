"""A namespace's log as a DuckDB table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streams.verify.sql import statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from streams.kafka_log import LogRow

_BATCH: Final = 100_000


def create_log(con: duckdb.DuckDBPyConnection) -> None:
    """Create the empty table ``log``."""
    con.execute(statement("log"))


def append_log(con: duckdb.DuckDBPyConnection, rows: Iterable[LogRow]) -> int:
    """Append records to ``log``; returns how many."""
    total = 0
    batch: list[LogRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            total += _insert(con, batch)
            batch = []
    return total + _insert(con, batch)


def _insert(con: duckdb.DuckDBPyConnection, rows: list[LogRow]) -> int:
    # Columns as list parameters: a row at a time DuckDB takes a thousand times longer.
    if rows:
        columns = [list(values) for values in zip(*rows, strict=True)]
        con.execute(
            "insert into log select unnest($1::varchar[]), unnest($2::int[]),"
            " unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::blob[]), unnest($6::blob[])",
            columns,
        )
    return len(rows)
