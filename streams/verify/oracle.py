"""The recomputation of one log: from records to base panes and counters, in DuckDB."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from processors.histogram import WAIT_BOUNDS_MS
from streams.verify.kinds import KINDS, LINKED
from streams.verify.panes import build_panes
from streams.verify.sql import column, statement, text, texts
from streams.verify.validity import judge

if TYPE_CHECKING:
    import duckdb

    from processors.catalog.model import Catalog

SESSION_ID_GAP_MS = 86_400_000  # a producer's session_id names one session up to a day's pause
EVER_MS = 1 << 52  # longer than any event can be late


def recompute(con: duckdb.DuckDBPyConnection, catalog: Catalog, *, dedup_horizon: int) -> None:
    """Recompute the table ``log`` of a connection into base panes and counters.

    Args:
        con: holds ``log``; gets everything else.
        catalog: what is measured, and the times that shape it.
        dedup_horizon: records of a partition in one generation of duplicate detection.
    """
    con.execute("set enable_progress_bar = false")  # it would write into the command's answer
    _set_variables(con, catalog, dedup_horizon)
    con.execute(statement("passed"))
    judge(con)
    con.execute(statement("accepted"))
    wanted = {t for r in catalog.requirements.values() for t in r.measure.events}
    linked = any(LINKED in kind.types and wanted & set(kind.facts) for kind in KINDS)
    con.execute(statement("identity", wanted=str(linked).lower()))
    con.execute(statement("fact"))
    for kind in KINDS:
        if wanted & set(kind.facts):
            con.execute(
                statement(
                    "taken",
                    identity=kind.identity,
                    lateness=kind.lateness,
                    reads="".join(f", {column(name)}" for name in kind.reads),
                    types=texts(kind.types),
                )
            )
            con.execute(statement(f"keyed/{kind.name}"))
    build_panes(con, catalog)


def counters(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the pipeline counters that the log amounts to, those above zero."""
    rows = con.execute(statement("counters")).fetchall()
    return {str(name): int(count) for name, count in rows if count}


def _set_variables(con: duckdb.DuckDBPyConnection, catalog: Catalog, dedup_horizon: int) -> None:
    variables = {
        **asdict(catalog.defaults),
        "session_id_gap_ms": SESSION_ID_GAP_MS,
        "retention_ms": catalog.ladder.retention_ms_max,
        "dedup_horizon": dedup_horizon,
        "ever_ms": EVER_MS,
        "wait_bounds_ms": WAIT_BOUNDS_MS,
    }
    for name, value in variables.items():
        con.execute(f"set variable {name} = {_literal(value)}")


def _literal(value: int | str | tuple[int, ...] | tuple[str, ...]) -> str:
    if isinstance(value, int):
        return f"{value}::bigint"
    if isinstance(value, str):
        return text(value)
    if any(isinstance(one, int) for one in value):
        return f"{list(value)}::bigint[]"
    return f"[{texts(map(str, value))}]::varchar[]"
