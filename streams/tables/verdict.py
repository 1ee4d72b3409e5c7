"""Why a table refuses, in words: one text a verdict, whatever backend gave it."""

from __future__ import annotations

from typing import Final

from processors.errors import AheadOfLogError, FencedError, PartitionStoppedError
from processors.schema import OLDEST

INTEGER_LIMIT: Final = 10**17  # stored integers and deltas stay below it: sums of two fit 64 bits

_ANEW: Final = (
    "drop the namespace's tables (kpi state drop) and let it count anew from what the log still "
    "holds (with KPI_COUNT_ANEW=1 where the log's beginning is gone)"
)
_RESTORE: Final = "restore the tables' backup that belongs to this log"

_OTHER: Final = (
    "Of tracking.visitor and tracking.customer the other one may have to be emptied too: see Ways "
    "back in docs/faults.md"
)

_CLAIM: Final = {
    "dropping": (
        "its namespace is being dropped or restored: run that command again to its end, then "
        "start anew"
    ),
    "missing": (
        "it had checkpoints, but its tables are gone from Redis: counting on from here would lose "
        f"everything before. {_RESTORE}, or {_ANEW}"
    ),
    "below": (
        "its next offset is {stored}, but the log begins at {log_start}: the records between have "
        f"been deleted unread. {_RESTORE}, raise the topic's retention, or {_ANEW}"
    ),
    "above": (
        "its next offset is {stored}, but the log ends at {log_end}: this is not the log that was "
        f"counted, or it lost its newest records. Bring that log back, or {_ANEW}. {_OTHER}"
    ),
    "partitions": (
        "the topic has {partitions} partitions, but was counted with {stored}: keys have moved "
        "between partitions. Migrate the tables (kpi repartition), or give the topic its "
        "{stored} partitions back"
    ),
    "topic_id": (
        "the topic was created anew (id {topic_id}, counted was {stored}): its offsets mean other "
        f"records. Restore the topic, or {_ANEW}. {_OTHER}"
    ),
    "schema": (
        "its tables have schema {stored}, this program {schema}: a newer program has taken it over "
        "and goes on once the partition is assigned to it. Upgrade this program; to go back, "
        f"restore the backup from before the upgrade, or {_ANEW}"
    ),
    "outdated": (
        "its tables have schema {stored}, which this program (schema {schema}) does not read any "
        f"more: upgrade by way of a version that reads both, or {_ANEW}"
    ),
    "dirty": (
        "checkpoint {stored} was applied in part, so that its panes are wrong. "
        f"{_RESTORE}, or {_ANEW}"
    ),
    "type": (
        "{stored} in Redis is not what this product wrote there. Remove what another program wrote "
        f"and {_RESTORE}, or {_ANEW}"
    ),
}


def integer_fault(cell: str, stored: int | str, delta: int | str) -> str:
    """Return the text for a cell that would leave the range of exact integers."""
    return (
        f"cell {_shown(cell)}: stored {stored}, to add {delta}: integers stay below 10^17, past "
        "that sums would wrap. Look for a producer that sends absurd amounts; then "
        f"{_RESTORE}, or {_ANEW}"
    )


def claim_refused(
    subject: str, verdict: str, stored: str, **facts: object
) -> PartitionStoppedError:
    """Return the error for a refused claim: AheadOfLogError where the log ends too early.

    Args:
        subject: namespace, topic and partition.
        verdict: what the check found.
        stored: the stored value at fault.
        facts: what the claimer said, by argument name.
    """
    if verdict == "schema" and stored.isdigit() and int(stored) < OLDEST:
        verdict = "outdated"
    text = f"{subject} stopped: {_CLAIM[verdict].format(stored=stored or 'unknown', **facts)}."
    return AheadOfLogError(text, int(stored)) if verdict == "above" else PartitionStoppedError(text)


def commit_refused(
    subject: str, number: int, verdict: str, what: str, stored: str, given: str
) -> PartitionStoppedError:
    """Return the error for a refused checkpoint: FencedError where another owner went on."""
    head = f"{subject}: checkpoint {number} refused, nothing was changed"
    if verdict == "fenced":
        return FencedError(
            f"{head}: {what} is {stored} in the table, {given or 'expected'} here: another worker "
            "owns the partition now, or Redis went back to an older copy. Claim it again."
        )
    if verdict == "range":
        return PartitionStoppedError(f"{head}: {integer_fault(what, stored, given)}.")
    if verdict == "dirty":
        return PartitionStoppedError(f"{head}: {_CLAIM['dirty'].format(stored=stored)}.")
    return PartitionStoppedError(f"{head}: {_CLAIM['type'].format(stored=f'{what} ({stored})')}.")


def _shown(cell: str) -> str:
    return cell.replace("\x1f", "|")
