"""The health page tells what is wrong, the metrics tell how much; the watchdog acts on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from processors.errors import CheckFailedError
from processors.names import ADS
from streams.embedded.ports import free_port
from streams.worker import watchdog as watchdog_module
from streams.worker.vitals import State
from streams.worker.watchdog import LOOKS, Watchdog
from tests.streams.worker.conftest import Site, until

if TYPE_CHECKING:
    from streams.worker.app import WorkerApp
    from streams.worker.partition import PartitionRunner

pytestmark = pytest.mark.servers


def runner(app: WorkerApp, site: Site) -> PartitionRunner:
    """Return partition 0's runner."""
    found = app.wired.owner.runner(site.topic, 0)
    assert found is not None
    return found


def test_health_page_and_metrics_tell_each_partition(site: Site) -> None:
    """200 while all is well, 503 once a partition is stopped, held for long or stalled."""

    async def body() -> None:
        site.change(worker_port=free_port())
        base = f"http://127.0.0.1:{site.settings.worker_port}"
        async with site.worker() as app, aiohttp.ClientSession() as http:
            site.send(400)
            await until(lambda: site.exact, "counted")
            async with http.get(f"{base}/health") as answer:
                health = await answer.json()
                assert answer.status == 200
            assert [p["partition"] for p in health["partitions"]] == [0, 1, 2, 3]
            first = health["partitions"][0]
            assert (first["offset"], first["lag"], first["state"]) == (100, 0, "running")
            async with http.get(f"{base}/metrics") as answer:
                text = await answer.text()
            labels = f'{{partition="0",topic="{site.topic}"}}'
            assert f"kpi_worker_offset{labels} 100.0" in text
            assert f"kpi_worker_records_total{labels} 100.0" in text
            for state in (State.STOPPED, State.FAILED):
                runner(app, site).vitals.state = state
                async with http.get(f"{base}/health") as answer:
                    assert answer.status == 503

    asyncio.run(body())


def test_stalled_partition_is_fetched_anew_then_ends_the_process(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lag without progress: first the position is sought again, then the process ends."""

    async def body() -> None:
        site.change(stall_timeout_ms=1_000)
        monkeypatch.setattr(watchdog_module, "GROUP_CHECK_S", 0.2)
        async with site.worker() as app:
            site.send(400)
            await until(lambda: site.exact, "counted")
            ended: list[bool] = []
            app.shut_down = lambda: ended.append(True)
            reopened: list[bool] = []
            for each in app.wired.owner:
                monkeypatch.setattr(each, "deliver", lambda _: None)  # BAD! chunks vanish
                monkeypatch.setattr(each, "reopen", lambda: reopened.append(True))
            site.send(400)
            await until(lambda: ended, "noticed")
            assert reopened
            assert isinstance(app.failure, CheckFailedError)
            assert "has not moved" in str(app.failure)

    asyncio.run(body())


def test_partition_that_waits_for_its_store_is_not_stalled(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage is no stall: a new process could do no more than wait, too."""

    async def body() -> None:
        site.change(stall_timeout_ms=1_000)
        monkeypatch.setattr(watchdog_module, "GROUP_CHECK_S", 0.2)
        async with site.worker() as app:
            site.send(400)
            await until(lambda: site.exact, "counted")
            failures: list[Exception] = []
            watchdog = Watchdog(app, app.wired.owner, site.settings, failures.append)
            looks: list[Any] = []
            look = watchdog._look

            async def counted() -> None:
                await look()
                looks.append(True)

            monkeypatch.setattr(watchdog, "_look", counted)
            site.store.down = True
            site.send(400)
            watching = asyncio.create_task(watchdog.run())
            await until(lambda: len(looks) >= LOOKS + 2, "looked for longer than the timeout")
            watching.cancel()
            assert failures == []
            site.store.down = False
            await until(lambda: site.exact, "counted after all")
            assert site.store.total(ADS, "count", 4) == 800

    asyncio.run(body())
