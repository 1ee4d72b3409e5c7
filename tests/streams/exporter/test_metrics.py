"""/metrics: both formats parse, names and labels are the promised ones, undefined is absent."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE
from random import Random
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from processors import names
from processors.names import ADS, SUPPORT, VISITOR
from tests.streams.exporter.site import START_MS
from tests.streams.exporter.traffic import traffic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric as Family

    from tests.streams.exporter.site import Site

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;q=0.1"
HOUR_MS = 3_600_000
Samples = dict[str, dict[frozenset[tuple[str, str]], float]]


def samples(families: Iterable[Family]) -> Samples:
    """Return sample name -> labels -> value; no series may come twice."""
    found: Samples = {}
    for family in families:
        for sample in family.samples:
            series = found.setdefault(sample.name, {})
            labels = frozenset(sample.labels.items())
            assert labels not in series, (sample.name, labels)
            series[labels] = sample.value
    return found


def labels(**values: str) -> frozenset[tuple[str, str]]:
    """Return labels as :func:`samples` keys them."""
    return frozenset(values.items())


async def busy(site: Site) -> None:
    """Fill the tables with some of everything."""
    await site.owner.claim()
    await site.owner.publish(*traffic(Random(7), 400, START_MS - HOUR_MS, START_MS))
    await site.owner.tick(START_MS)


async def test_both_formats_say_the_same(site: Site) -> None:
    """The same samples in text 0.0.4 and OpenMetrics, chosen by what the client accepts."""
    await busy(site)
    async with site.exporter() as exporter:
        async with exporter.http.get("/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            plain = samples(parse_text(await response.text()))
        async with exporter.http.get("/metrics", headers={"Accept": OPENMETRICS}) as response:
            assert "openmetrics-text; version=1.0.0" in response.headers["Content-Type"]
            text = await response.text()
    opened = samples(parse_openmetrics(text))
    age = names.EXPORTER_UPDATE_AGE
    assert {**plain, age: {}} == {**opened, age: {}}
    assert text.count("# EOF") == 1
    assert "# UNIT kpi_click_through_rate_ratio ratio" in text


async def test_promtool_has_nothing_to_say(site: Site) -> None:
    """Names, types and help pass Prometheus' own linter."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    await busy(site)
    async with site.exporter() as exporter:
        page = await exporter.text("/metrics")
    linter = await asyncio.create_subprocess_exec(
        *(promtool, "check", "metrics"), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    said = await linter.communicate(page.encode())
    assert (linter.returncode, *said) == (0, b"", b"")


async def test_values_with_their_companions(site: Site) -> None:
    """A ratio stands beside numerator, denominator and samples, in total and by dimension."""
    await site.owner.claim()
    shown = {"type": "ad_impression", "ts": START_MS, "campaign": "spring"}
    clicked = {"type": "ad_click", "ts": START_MS, "visitor_id": "v", "campaign": "spring"}
    await site.owner.publish(*[shown] * 8, clicked, clicked)
    async with site.exporter() as exporter:
        found = samples(parse_text(await exporter.text("/metrics")))
    for labelled in (
        labels(window="5m", by="total"),
        labels(window="5m", by="campaign", campaign="spring"),
    ):
        assert found["kpi_click_through_rate_ratio"][labelled] == 0.25
        assert found["kpi_click_through_rate_numerator"][labelled] == 2
        assert found["kpi_click_through_rate_denominator"][labelled] == 8
        assert found["kpi_click_through_rate_samples"][labelled] == 8


async def test_undefined_is_absent(site: Site) -> None:
    """A ratio over nothing has no sample, while its denominator is 0."""
    await site.owner.claim()
    await site.owner.tick(START_MS)
    async with site.exporter() as exporter:
        page = await exporter.text("/metrics")
    found = samples(parse_text(page))
    assert "kpi_click_through_rate_ratio" not in found
    assert found["kpi_click_through_rate_denominator"][labels(window="1h", by="total")] == 0
    assert found["kpi_page_views"][labels(window="1h", by="total")] == 0
    assert "NaN" not in page


async def test_money_is_by_currency(site: Site) -> None:
    """Amounts of two currencies are two series, also in the total, and never added."""
    await site.owner.claim()
    order = {"type": "purchase", "ts": START_MS, "visitor_id": "v", "order_id": "o"}
    await site.owner.publish(
        order | {"value": "10.10", "currency": "EUR"}, order | {"value": "3", "currency": "USD"}
    )
    async with site.exporter() as exporter:
        revenue = samples(parse_text(await exporter.text("/metrics")))["kpi_revenue_money"]
    assert revenue[labels(window="5m", by="total", currency="EUR")] == 10.1
    assert revenue[labels(window="5m", by="total", currency="USD")] == 3


async def test_durations_have_quantiles_and_few_buckets(site: Site) -> None:
    """A histogram KPI has one series a stat, and at most 20 cumulated buckets a window."""
    await site.owner.claim()
    for number, minutes in enumerate((1, 2, 30)):
        ticket = {"ticket_id": f"t{number}"}
        asked_ms = START_MS - minutes * 60_000
        await site.owner.publish({"type": "ticket_opened", "ts": asked_ms, **ticket})
        await site.owner.publish(
            {"type": "ticket_replied", "by": "agent", "ts": START_MS, **ticket}
        )
    async with site.exporter() as exporter:
        found = samples(parse_text(await exporter.text("/metrics")))
    times = found["kpi_first_response_time_seconds"]
    stats = {dict(series)["stat"] for series in times}
    assert stats == {"mean", "p50", "p90", "p95"}
    assert times[labels(window="5m", by="total", stat="mean")] == 660
    assert times[labels(window="5m", by="total", stat="p50")] == pytest.approx(120, rel=0.05)
    buckets = {
        dict(series)["le"]: count
        for series, count in found["kpi_first_response_time_distribution_seconds_bucket"].items()
        if dict(series)["window"] == "5m"
    }
    assert len(buckets) == 20
    assert buckets["60.0"] == 0
    assert buckets["120.0"] == 1
    assert buckets["+Inf"] == 3
    assert list(buckets.values()) == sorted(buckets.values())


async def test_final_values_have_names_of_their_own(site: Site) -> None:
    """What alerts read ends at the watermark and cannot be mistaken for the live value."""
    await site.owner.claim()
    view = {"type": "page_view", "visitor_id": "v"}
    await site.owner.publish(view | {"ts": START_MS}, view | {"ts": START_MS - 60_000})
    await site.owner.tick(START_MS)
    async with site.exporter() as exporter:
        found = samples(parse_text(await exporter.text("/metrics")))
    total = labels(window="5m", by="total")
    assert found["kpi_page_views"][total] == 2
    assert found["kpi_page_views_final"][total] == 1


async def test_the_largest_values_are_shown(site: Site) -> None:
    """Beyond the limit the values with the fewest samples are cut; the total is exact."""
    await site.owner.claim()
    await site.owner.publish(
        *(
            {"type": "page_view", "ts": START_MS, "visitor_id": "v", "country": f"c{number}"}
            for number in range(6)
            for _ in range(number + 1)
        )
    )
    async with site.exporter(values_max=2) as exporter:
        views = samples(parse_text(await exporter.text("/metrics")))["kpi_page_views"]
    shown = {
        dict(series)["country"]: count
        for series, count in views.items()
        if labels(window="5m", by="country") <= series
    }
    assert shown == {"c5": 6, "c4": 5}
    assert views[labels(window="5m", by="total")] == 21


async def test_health_of_the_pipeline(site: Site) -> None:
    """Offsets, delays, ages and counters of every partition, and every KPI's age and target."""
    await site.owner.claim()
    view = {"type": "page_view", "visitor_id": "v", "ts": START_MS}
    await site.owner.publish(view, view | {"event_id": "same"}, view | {"event_id": "same"})
    await site.owner.publish(view | {"ts": START_MS - 60_000}, view | {"ts": "yesterday"})
    await site.owner.tick(START_MS)
    site.now_ms += 7_000
    async with site.exporter() as exporter:
        found = samples(parse_text(await exporter.text("/metrics")))
    who = next(
        dict(series)["partition"]
        for series, count in found[names.PIPELINE_DUPLICATES].items()
        if count
    )
    one = labels(topic=VISITOR, partition=who)
    assert found[names.PIPELINE_OFFSET][one] == 6
    assert found[names.PIPELINE_EVENTS][one] == 3
    assert found[names.PIPELINE_DUPLICATES][one] == 1
    assert found[names.PIPELINE_LATE][one] == 1
    assert found[names.PIPELINE_TICKS][one] == 1
    assert found[names.PIPELINE_WATERMARK_DELAY][one] == 37
    assert one in found[names.PIPELINE_CHECKPOINT_AGE]
    rejected = found[names.PIPELINE_REJECTED]
    assert rejected[one | labels(reason="invalid_timestamp")] == 1
    assert found[names.KPI_FRESHNESS][labels(kpi="page_views")] == 7
    assert found[names.KPI_TARGET][labels(kpi="conversion_rate")] == 0.03
    assert found[names.EXPORTER_STALE][frozenset()] == 0


async def test_freshness_is_of_the_slowest_topic(site: Site) -> None:
    """A KPI over two topics is as old as the older of them; one never heard of has no age."""
    await site.owner.claim(ADS, VISITOR, SUPPORT)
    await site.owner.tick(START_MS, VISITOR)
    await site.owner.tick(START_MS - 60_000, ADS)
    async with site.exporter() as exporter:
        found = samples(parse_text(await exporter.text("/metrics")))[names.KPI_FRESHNESS]
    assert found[labels(kpi="page_views")] == 0
    assert found[labels(kpi="click_through_rate")] == 60
    assert labels(kpi="first_response_time") not in found


async def test_every_name_is_known(site: Site) -> None:
    """What is served is named by processors/names.py alone: rules and dashboards rely on it."""
    await busy(site)
    async with site.exporter() as exporter:
        families = list(parse_text(await exporter.text("/metrics")))
    known = {value for value in vars(names).values() if isinstance(value, str)}
    for metric in site.catalog.metrics.values():
        for final in (False, True):
            known.add(names.metric_name(metric.id, metric.unit, final=final))
            for companion in ("numerator", "denominator", "samples", "distribution_seconds"):
                known.add(names.companion_name(metric.id, companion, final=final))
    for family in families:
        name = family.name.removesuffix("_gcount").removesuffix("_gsum")
        assert {name, f"{name}_total"} & known, family.name
        assert family.documentation


async def test_no_label_tells_the_replica(site: Site) -> None:
    """Two exporters of one namespace serve the same series."""
    await busy(site)
    pages = []
    for _ in range(2):
        async with site.exporter() as exporter:
            pages.append(samples(parse_text(await exporter.text("/metrics"))))
    assert {n: set(s) for n, s in pages[0].items()} == {n: set(s) for n, s in pages[1].items()}
