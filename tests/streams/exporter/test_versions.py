"""A definition that changes while events come in, through Redis.

::

    10:00        10:10              10:20
    2 views      worker restarted:  3 views, 1 of them on a phone
                 only phones count
    before 1     2                  2       as it was counted up to then
    now          -                  1       the hour is incomplete, a window since 10:10 is not
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.catalog.load import load_catalog
from processors.catalog.versions import look
from streams.exporter.follower import Follower
from streams.query import answer, ask
from streams.tables.measure_register import read_register
from streams.tables.versioned import VersionedReader
from tests.streams.exporter.owner import Owner
from tests.streams.exporter.site import START_MS

if TYPE_CHECKING:
    from processors.catalog.model import Catalog
    from processors.evaluate import Row
    from tests.streams.exporter.site import Site

MINUTE_MS = 60_000
VIEWS = """
measures:
  page_views: {events: [page_view], agg: count%s}
metrics:
  page_views:
    type: simple
    label: Page views
    description: Pages seen.
    formula: count
    unit: count
    direction: up
    numerator: page_views
    dimension_sets: %s
    windows: [5m, 1h]
"""


def views(where: str = "", sets: str = "[[]]") -> Catalog:
    """Return a catalogue of page views, of some of them where a filter is given."""
    return load_catalog([("own.yaml", VIEWS % (where, sets))])


async def publish(owner: Owner, at_ms: int, *devices: str) -> None:
    """Publish page views of one time, and let time pass everywhere."""
    seen = {"type": "page_view", "ts": at_ms, "visitor_id": "v"}
    await owner.publish(*(seen | {"device": device} for device in devices))
    await owner.tick(at_ms)


async def row(
    site: Site, catalog: Catalog, window: str, *, by: str = "", back: int = 0
) -> Row | None:
    """Return the first row of page views, as ``kpi query --before`` does."""
    kept = look(await read_register(site.client, site.namespace), catalog, back=back)
    question = ask(catalog, "page_views", window=window, by=by)
    reader = VersionedReader(site.reader, kept)
    rows = await answer(reader, catalog, question, site.now_ms, kept)
    return rows[0] if rows else None


async def changed(site: Site, first: Catalog, then: Catalog) -> None:
    """Count two views by one catalogue, and from ten minutes later on three by another."""
    before = Owner(site.client, site.namespace, first, lambda: site.now_ms)
    await before.claim("tracking.visitor")
    site.now_ms = START_MS
    await publish(before, START_MS, "phone", "desk")
    site.now_ms = START_MS + 10 * MINUTE_MS
    await before.tick(site.now_ms)
    after = Owner(site.client, site.namespace, then, lambda: site.now_ms)
    await after.claim("tracking.visitor")
    site.now_ms = START_MS + 20 * MINUTE_MS
    await publish(after, site.now_ms, "phone", "desk", "desk")


async def test_a_changed_measure_counts_anew_and_the_old_one_stays(site: Site) -> None:
    """What was counted by another definition is never added to; earlier windows say so."""
    first, then = views(), views(", where: {device: [phone]}")
    await changed(site, first, then)
    hour, five = await row(site, then, "1h"), await row(site, then, "5m")
    assert hour is not None
    assert (hour.value, hour.complete) == (1, False)
    assert five is not None
    assert (five.value, five.complete) == (1, True)
    old = await row(site, then, "1h", back=1)
    assert old is not None
    assert (old.value, old.complete) == (2, False)


async def test_a_dimension_set_that_is_new_is_incomplete_and_nothing_else(site: Site) -> None:
    """A breakdown knows nothing of the time before it was asked for; the total does."""
    first, then = views(), views(sets="[[], [device]]")
    await changed(site, first, then)
    total, by_device = await row(site, then, "1h"), await row(site, then, "1h", by="device")
    assert total is not None
    assert (total.value, total.complete) == (5, True)
    assert by_device is not None
    assert (by_device.value, by_device.complete) == (2, False)


async def test_the_exporter_shows_the_version_in_force(site: Site) -> None:
    """Its figures are the new definition's, and incomplete where the window began before it."""
    then = views(", where: {device: [phone]}")
    await changed(site, views(), then)

    async def kept() -> object:
        return look(await read_register(site.client, site.namespace), then)

    follower = Follower(site.reader, then, lambda: site.now_ms, kept)  # type: ignore[arg-type]
    await follower.load()
    metric = then.metrics["page_views"]
    shown = [follower.board().rows(metric, w, (), final=False)[0] for w in metric.windows]
    assert [(r.window, r.value, r.complete) for r in shown] == [("5m", 1, True), ("1h", 1, False)]


async def test_the_same_definition_changes_nothing(site: Site) -> None:
    """A restart with the same catalogue goes on counting into the same cells."""
    await changed(site, views(), views())
    found = await row(site, views(), "1h")
    assert found is not None
    assert (found.value, found.complete) == (5, True)
    assert all(
        not value.endswith(("off", "1"))
        for name, value in (await read_register(site.client, site.namespace)).items()
        if name.startswith("item:")
    )
