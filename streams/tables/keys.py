"""Every key name in Redis, written once.

::

    kpi:<namespace>:registry                     hash    which topics and partitions there are
    kpi:<namespace>:measures                     hash    which definitions were ever kept
    kpi:<namespace>:retries                      hash    dead letter's source -> where it is retried
    kpi:<namespace>:{<tag>}:meta                 hash    progress, fencing, counters
    kpi:<namespace>:{<tag>}:admitted             hash    admission scope -> msgpack list of values
    kpi:<namespace>:{<tag>}:timers               zset    processor NUL state id -> due (ms)
    kpi:<namespace>:{<tag>}:log                  stream  <number>-0 -> base deltas, for followers
    kpi:<namespace>:{<tag>}:state:<processor>    hash    state id -> encoded state
    kpi:<namespace>:{<tag>}:index:<rung>         zset    pane start -> pane start (ms)
    kpi:<namespace>:{<tag>}:changed:<rung>       zset    pane start -> number of its last change
    kpi:<namespace>:{<tag>}:pane:<rung>:<start>  hash    cell -> integer
    kpi:<namespace>:{<tag>}:sketch:<rung>:<start> hash   cell -> 8-byte hashes, one after another;
                                                         cell NUL -> the largest hash still wanted

The registry's other fields are ``schema``, ``topic_id:<topic>`` (empty where unknown) and
``checkpointed:<topic>:<partition>``. Meta's are ``epoch`` and ``claim`` (its owner's), ``number``,
``offset``, ``max_ts_ms``, ``writer`` and ``written_ms`` (the last checkpoint's), ``start`` (the
log's first offset when it was first claimed), ``schema`` (its owner's) and ``oldest_schema`` (where
there are states of an older one), ``partitions``, ``topic_id``, ``dirty`` while a checkpoint is
being applied, and ``held`` (until when, ms) while a backup reads.

All keys of one partition share its hash tag (slots.py), so one checkpoint is one cluster slot. The
Lua scripts take ``meta`` as their first key and name the others by what follows its tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from processors.errors import UsageError
from streams.tables.slots import partition_tag

_PREFIX: Final = "kpi"
# A namespace with glob or tag characters would make drop_namespace and the slots mean other keys.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

# --- fields that Python reads or writes; the Lua scripts spell the same ones ----------------------
REGISTRY_TOPIC: Final = "topic:"  # + topic -> number of partitions
REGISTRY_DROPPING: Final = "dropping"  # there while the namespace is being deleted
META_COUNTER: Final = "counter:"  # + counter -> integer
META_KEPT: Final = "kept:"  # + rung -> panes that start before this have been deleted

SKETCH_LIMIT_SUFFIX: Final = b"\0"
TIMER_SEPARATOR: Final = b"\0"


def check_name(what: str, name: str) -> str:
    """Return a namespace or topic that is safe inside key names.

    Raises:
        UsageError: it has other characters than letters, digits, dot, dash and underscore.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{what}: {name!r}: only letters, digits, '.', '-' and '_' are allowed, the first a "
            "letter or digit: other characters would name other keys in Redis"
        )
    return name


def registry_key(namespace: str) -> str:
    """Return the key of a namespace's registry."""
    return f"{_PREFIX}:{check_name('namespace', namespace)}:registry"


def measures_key(namespace: str) -> str:
    """Return the key of a namespace's register of measures."""
    return f"{_PREFIX}:{check_name('namespace', namespace)}:measures"


def retries_key(namespace: str) -> str:
    """Return the key of where each dead letter is retried."""
    return f"{_PREFIX}:{check_name('namespace', namespace)}:retries"


def namespace_pattern(namespace: str) -> str:
    """Return the SCAN pattern that matches every key of a namespace, and no other's."""
    return f"{_PREFIX}:{check_name('namespace', namespace)}:*"


@dataclass(frozen=True)
class PartitionKeys:
    """The keys of one partition.

    Attributes:
        prefix: everything before the last name, hash tag included, colon at the end.
    """

    prefix: str

    @classmethod
    def of(cls, namespace: str, topic: str, partition: int, partitions: int) -> PartitionKeys:
        """Return the keys of a topic's partition."""
        tag = partition_tag(check_name("topic", topic), partition, partitions)
        return cls(f"{_PREFIX}:{check_name('namespace', namespace)}:{{{tag}}}:")

    @property
    def meta(self) -> str:
        """Progress, fencing and counters."""
        return f"{self.prefix}meta"

    @property
    def admitted(self) -> str:
        """Dimension values, by scope."""
        return f"{self.prefix}admitted"

    @property
    def timers(self) -> str:
        """Due times."""
        return f"{self.prefix}timers"

    @property
    def log(self) -> str:
        """Base deltas of the newest checkpoints."""
        return f"{self.prefix}log"

    def state(self, processor: str) -> str:
        """Return the key of a keyed processor's states."""
        return f"{self.prefix}state:{processor}"

    def index(self, rung: str) -> str:
        """Return the key of a rung's existing panes, by start."""
        return f"{self.prefix}index:{rung}"

    def changed(self, rung: str) -> str:
        """Return the key of a rung's existing panes, by last change."""
        return f"{self.prefix}changed:{rung}"

    def pane(self, rung: str, start_ms: int) -> str:
        """Return the key of a pane's integers."""
        return f"{self.prefix}pane:{rung}:{start_ms}"

    def sketch(self, rung: str, start_ms: int) -> str:
        """Return the key of a pane's distinct counts."""
        return f"{self.prefix}sketch:{rung}:{start_ms}"
