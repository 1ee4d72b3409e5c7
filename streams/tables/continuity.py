"""Whether deltas lead on from what a reader has seen, each once and in order.

::

    log of one partition      97   98   99  100  101        each entry names the writer of the one
    writers                    a    a    a    b    b        before it: 100 follows (99, a)

    A reader at (99, a) goes on with 100. One at (95, a) has a gap: 96 is not in the log any more.
    One at (99, c) saw a 99 that Redis has forgotten: it must take a new snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.tables.base import Delta, Followed, PartitionId, Position


def lead_on(
    found: Followed,
    who: PartitionId,
    since: Position | None,
    stored: Position | None,
    log: Sequence[tuple[Delta, str]],
) -> None:
    """Add a partition's news to ``found``, or the reason why it needs a new snapshot.

    Args:
        found: what is being collected.
        who: the partition.
        since: what the reader has; None where it does not know the partition.
        stored: the partition's last checkpoint, read before the log; None where it is gone.
        log: deltas after ``since``, each with the writer of the checkpoint before it.
    """
    reason = _break(since, stored, log)
    if reason or since is None:
        found.reload[who] = reason
        return
    found.deltas.extend(delta for delta, _ in log)
    found.positions[who] = log[-1][0].position if log else since


def _break(
    since: Position | None, stored: Position | None, log: Sequence[tuple[Delta, str]]
) -> str:
    """Return why the log does not lead on; empty where it does."""
    if stored is None:
        return "its namespace was dropped"
    if since is None:
        return "it is new"
    if stored.number < since.number or (stored.number == since.number and stored != since):
        return f"Redis went back: it has checkpoint {stored.number}, the reader {since.number}"
    at = since
    for delta, after in log:
        if delta.position.number != at.number + 1:
            break
        if after != at.writer:
            return f"Redis went back: its checkpoint {at.number} is not the reader's"
        at = delta.position
    else:
        if log or stored.number == since.number:
            return ""
    return f"checkpoint {at.number + 1} is not in the log any more"
