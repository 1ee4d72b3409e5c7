"""The table of docs/faults.md: a row a case."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.field import Field
    from tests.faults.judge import Verdict


@dataclass(frozen=True)
class Row:
    """One case's outcome."""

    group: str
    fault: str
    broker: str
    seen: str
    recovery_s: float
    verdict: Verdict


@dataclass
class Report:
    """All rows of a run."""

    rows: list[Row] = field(default_factory=list)

    def add(
        self, group: str, fault: str, broker: str, seen: str, where: Field, verdict: Verdict
    ) -> None:
        """Take a case's outcome."""
        self.rows.append(Row(group, fault, broker, seen, where.recovery_s, verdict))

    def write(self, path: Path) -> None:
        """Write the page."""
        groups = dict.fromkeys(row.group for row in self.rows)
        parts = [HEAD.format(cases=len(self.rows), machine=_machine())]
        for group in groups:
            parts.append(f"## {group}\n\n{COLUMNS}")
            parts += [_line(row) for row in self.rows if row.group == group]
            parts.append("")
        path.write_text("\n".join(parts))


def _line(row: Row) -> str:
    v = row.verdict
    return (
        f"| {row.fault} | {row.broker} | {row.seen} | {row.recovery_s:.1f} s | {v.events} "
        f"| {v.cells} | {v.lost} | {v.doubled} |"
    )


def _machine() -> str:
    load = os.getloadavg()[2]  # of the last quarter of an hour
    return (
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores with a load average of {load:.0f}"
    )


COLUMNS: Final = (
    "| fault | broker | what is seen | recovery | events | cells compared | lost | doubled |\n"
    "|---|---|---|---|---|---|---|---|"
)
HEAD: Final = """<!-- DO NOT EDIT: written by `make faults` -->
# Faults

What happens when something breaks. Each of {cases} runs had live traffic of a known log (300 events
a second: late, repeated and broken ones among them; 24 partitions) through the product's own
processes, started again by a supervisor where they end. In the end every cell of every rung was
compared with a batch recomputation of the log that shares no code with the pipeline
(tests/simulation/oracle.py): none differed, and so it is for the counters of events, duplicates,
late and rejected ones.

*Recovery* is the time from the fault's end until everything published by then was checkpointed, the
slowest where a case had several; a worker's start (about 3 s here) and the group's session timeout
(3 s here, 10 s by default) are in it. *Lost* and *doubled* are events. `make faults` repeats all of
this; a short form runs in CI; `make faults FAULTS="not kafka"` runs it on the embedded broker.
Measured on {machine}.

## Ways back

- **Held back** (`... is held back, nothing is lost: ...`): nothing to do but to mend what the line
  names; the worker's `/healthz` says 503 after 30 s, alert PipelineHeld comes after a minute.
- **Stopped** (`... is stopped, other partitions go on: ...`): alert PipelinePartitionStopped. The
  line says why. Either bring back what fits the log (`kpi state restore` of a backup, a copy of
  Redis' append-only file, the topic), or end the workers, `kpi state drop --yes`, and start them
  again: figures are then counted anew from what the log still holds.
- **`tracking.visitor` or `tracking.customer` was deleted and created again** (`... the topic was
  created anew`): each still holds what the other has passed on to it. Once the tables are dropped
  all of that counts again, and what the new topic passes on is told apart from it by the topic's
  id. Before you start the workers, empty the other topic as well, where
  - the broker tells no ids (`... this is not the log that was counted`), or all that a
    partition has passed on is from before this version (its `_passed` records name no `topic_id`):
    else what the new topic passes on is dropped as a repetition;
  - the new topic was filled with the old one's records: else they are passed on a second time, and
    customers count them twice.

  `tracking.customer` holds nothing else:
  `kafka-topics.sh --bootstrap-server HOST:9092 --delete --topic tracking.customer`, then
  `kpi topics create` (outside of the namespace `live` the topic's name begins with it). Where
  `tracking.customer` is the new one, its workers hand backends' purchases over once more: those of
  the last hour (`keyed_lateness`) can count twice in their visitor's session and cart, older ones
  are `late_unkeyed`. Only emptying `tracking.visitor` in the same way avoids that, and gives up its
  events.
- **Partitions were added**: end the workers and run `kpi repartition`, which moves what belongs to
  keys; better, have it add them.
- **A newer version has taken a partition over** (`... is stopped ...: its tables have schema 2,
  this program 1: ...`): go on with the rolling upgrade, the partition goes on with a worker of the
  newer version. To go back, `kpi state restore` the backup from before the upgrade.
- **Redis was emptied**: counted anew by itself if the log still begins at its beginning. Else the
  partition stops: `kpi state restore` a backup, or accept with `KPI_COUNT_ANEW=1` that what the
  log has lost is missing in every figure.
- **A replica was promoted**: nothing to do with `redis+sentinel://` or `redis+cluster://`
  (docs/security.md); else have it answer at the same address.
"""
