"""The plan in force: the catalogue, compiled for the versions that the namespace keeps of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from processors.catalog.versions import NOTHING_CHANGED
from processors.pipeline import compile_plan
from streams.tables.measure_register import MeasureRegister

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from processors.catalog.model import Catalog
    from processors.pipeline import Plan

logger = logging.getLogger(__name__)


class Plans:
    """Settles what a namespace keeps before a partition is claimed.

    Args:
        client: Redis.
        namespace: whose register it is.
        catalog: this worker's.

    Attributes:
        plan: the plan since the last :meth:`adopt`.
    """

    def __init__(self, client: Redis, namespace: str, catalog: Catalog) -> None:
        self._catalog = catalog
        self._register = MeasureRegister(client, namespace, catalog)
        self._kept = NOTHING_CHANGED
        self.plan: Plan = compile_plan(catalog)

    async def adopt(self) -> None:
        """Bring the namespace's register up to the catalogue and the plan up to the register.

        Raises:
            UnreachableError: Redis is away or refused.
        """
        kept = await self._register.adopt()
        if kept == self._kept:
            return
        for measure, stored in sorted(kept.stored.items()):
            if self._kept.stored.get(measure) != stored:
                logger.warning(
                    "measure %s: its definition changed: it is counted anew, as %s; what was "
                    "counted before stays readable with kpi query --before",
                    measure,
                    stored,
                )
        self._kept = kept
        self.plan = compile_plan(self._catalog, kept)
