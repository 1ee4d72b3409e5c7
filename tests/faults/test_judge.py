"""The judge of all cases: what is exact passes, and one cell off by one does not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from processors.names import VISITOR
from streams.tables.keys import PartitionKeys
from tests.faults.field import at_work
from tests.faults.judge import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.field import Field

pytestmark = [pytest.mark.faults, pytest.mark.brokers]


def test_planted_faults_are_found(make_field: Callable[..., Field]) -> None:
    """A cell that is off by one differs, and a counter too small tells of a lost event."""
    with at_work(make_field(seed=1)) as field:
        field.flow()
        field.finish()
        settings = field.settings
        keys = PartitionKeys.of(settings.namespace, VISITOR, 2, settings.partitions)
        pane = min(field.valkey.call("KEYS", f"{keys.prefix}pane:*"))
        name = field.valkey.call("HKEYS", pane)[0]
        field.valkey.call("HINCRBY", pane, name, 1)  # BAD! counted twice
        field.valkey.call("HINCRBY", keys.meta, "counter:events", -1)  # BAD! not counted
        verdict = asyncio.run(judge(settings, field.traffic.ends()))
        assert (verdict.differ, verdict.lost, verdict.doubled) == (1, 1, 0)
        assert not verdict.is_exact
