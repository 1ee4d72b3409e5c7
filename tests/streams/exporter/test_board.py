"""The exporter's figures: kept up by deltas, they equal what the panes in Redis add up to."""

from __future__ import annotations

import gc
import tracemalloc
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from processors.names import ADS, VISITOR
from streams.exporter.follower import load_board
from streams.query import Question
from tests.streams.exporter.site import START_MS
from tests.streams.exporter.traffic import traffic

if TYPE_CHECKING:
    from processors.evaluate import Row
    from streams.exporter.board import Board
    from streams.exporter.follower import Follower
    from tests.streams.exporter.site import Site

HOUR_MS = 3_600_000


async def followed(follower: Follower) -> Board:
    """Return the board after everything committed so far."""
    await follower._step()
    return follower.board()


def all_rows(board: Board) -> dict[tuple[Any, ...], list[Row]]:
    """Return every row of every KPI, so that later looks may find them kept."""
    return {
        (metric.id, window.name, dimensions, final): board.rows(
            metric, window, dimensions, final=final
        )
        for metric in board.catalog.metrics.values()
        for window in metric.windows
        for dimensions in metric.dimension_sets
        for final in (False, True)
    }


async def assert_equal_to_panes(site: Site, board: Board, random: Random) -> None:
    """Compare rows of some KPIs, live and final, with what kpi query reads from Redis."""
    found, compared = all_rows(board), 0
    for metric in random.sample(list(site.catalog.metrics.values()), 8):
        window, dimensions = random.choice(metric.windows), random.choice(metric.dimension_sets)
        for final in (False, True):
            expected = await site.asked(Question(metric, window, dimensions, final=final))
            assert found[metric.id, window.name, dimensions, final] == expected
            compared += len(expected)
    assert compared > 0


@pytest.mark.parametrize("seed", range(3))
async def test_following_equals_reading_all_panes(site: Site, seed: int) -> None:
    """Whatever order events come in and however time moves, rows equal sums of stored panes."""
    random = Random(seed)
    await site.owner.claim()
    await site.owner.publish(*traffic(random, 300, START_MS - 26 * HOUR_MS, START_MS))
    await site.owner.tick(START_MS)
    follower = site.follower()
    await follower.load()
    await assert_equal_to_panes(site, follower.board(), random)
    for _ in range(4):
        site.now_ms += random.choice([1_000, 40_000, 15 * 60_000, 5 * HOUR_MS])
        late_ms = random.choice([5_000, HOUR_MS, 20 * HOUR_MS])
        await site.owner.publish(*traffic(random, 60, site.now_ms - late_ms, site.now_ms))
        await site.owner.tick(site.now_ms)
        board = await followed(follower)
        await assert_equal_to_panes(site, board, random)


async def test_a_snapshot_equals_following(site: Site) -> None:
    """An exporter started late shows what one that was there all the time shows."""
    await site.owner.claim()
    early = site.follower()
    await early.load()
    for _ in range(3):
        site.now_ms += 50_000
        await site.owner.publish(*traffic(Random(1), 50, site.now_ms - HOUR_MS, site.now_ms))
        await site.owner.tick(site.now_ms)
    early_rows = all_rows(await followed(early))
    assert early_rows == all_rows(await load_board(site.reader, site.catalog, site.clock_ms))
    assert sum(map(len, early_rows.values())) > 300


async def test_the_largest_rows_are_among_all_rows(site: Site) -> None:
    """Limited to some values, a row says what it says without a limit, and others have less."""
    await site.owner.claim()
    await site.owner.publish(*traffic(Random(6), 300, START_MS - 60_000, START_MS))
    board = await load_board(site.reader, site.catalog, site.clock_ms)
    cut = 0
    for metric in site.catalog.metrics.values():
        for dimensions in metric.dimension_sets:
            asked = (metric, metric.windows[-1], dimensions)
            whole = board.rows(*asked, final=False)
            some = board.rows(*asked, final=False, values_max=2)
            rest = [row for row in whole if row not in some]
            assert [row for row in whole if row in some] == some
            assert len({tuple(row.dimensions.values()) for row in some}) <= 2
            if rest:
                cut += 1
                assert min(row.samples for row in some) >= max(row.samples for row in rest)
    assert cut > 10


async def test_live_windows_decay_without_traffic(site: Site) -> None:
    """A live window is empty once the clock has left its events behind, with no word from Redis."""
    await site.owner.claim()
    await site.owner.publish({"type": "page_view", "ts": START_MS, "visitor_id": "v"})
    follower = site.follower()
    await follower.load()
    metric = site.catalog.metrics["page_views"]
    minute = metric.windows[0]

    def views() -> object:
        return follower.board().rows(metric, minute, (), final=False)[0].value

    assert views() == 1
    site.now_ms += 49_999
    assert views() == 1
    site.now_ms += 10_001
    assert views() == 0


async def test_final_ends_at_the_slowest_partition(site: Site) -> None:
    """A KPI over two topics ends where the slower one's watermark is; others do not wait."""
    await site.owner.claim()
    await site.owner.tick(START_MS, VISITOR)
    await site.owner.tick(START_MS - HOUR_MS, ADS)
    follower = site.follower()
    await follower.load()
    ends = {}
    for kpi in ("click_through_rate", "page_views"):
        metric = site.catalog.metrics[kpi]
        ends[kpi] = (
            follower.board().rows(metric, metric.windows[0], (), final=True)[0].window_end_ms
        )
    lateness_ms = site.catalog.defaults.allowed_lateness_ms
    assert ends["page_views"] == START_MS - lateness_ms
    assert ends["click_through_rate"] == START_MS - HOUR_MS - lateness_ms


async def test_nothing_is_final_before_every_partition_has_spoken(site: Site) -> None:
    """A partition without any record holds final rows back, and only those of its topic."""
    await site.owner.claim()
    await site.owner.tick(START_MS, VISITOR)
    await site.owner.publish({"type": "ticket_opened", "ts": START_MS, "ticket_id": "t"})
    follower = site.follower()
    await follower.load()
    board = follower.board()
    views, answers = (site.catalog.metrics[k] for k in ("page_views", "first_response_time"))
    assert board.rows(views, views.windows[0], (), final=True)
    assert board.rows(answers, answers.windows[0], (), final=False)
    assert not board.rows(answers, answers.windows[0], (), final=True)
    assert views.id in board.freshness_ms(site.now_ms)
    assert answers.id not in board.freshness_ms(site.now_ms)


async def test_history_is_loaded_when_its_final_end_appears(site: Site) -> None:
    """A namespace of old events becomes final far behind the clock: the board says load anew."""
    old_ms = START_MS - 400 * 24 * HOUR_MS
    await site.owner.claim()
    follower = site.follower()
    await follower.load()
    await site.owner.publish(*traffic(Random(3), 200, old_ms - HOUR_MS, old_ms))
    await site.owner.tick(old_ms)
    board = await followed(follower)
    assert not board.whole
    await follower.load()
    board = follower.board()
    assert board.whole
    await assert_equal_to_panes(site, board, Random(4))


async def test_rows_are_worked_out_once_a_change(site: Site) -> None:
    """Two looks without a change between them cost one evaluation."""
    await site.owner.claim()
    await site.owner.publish({"type": "page_view", "ts": START_MS, "visitor_id": "v"})
    follower = site.follower()
    await follower.load()
    metric = site.catalog.metrics["page_views"]

    def look() -> list[object]:
        return follower.board().rows(metric, metric.windows[0], (), final=False)

    first = look()
    assert look() is first
    await site.owner.publish({"type": "page_view", "ts": START_MS, "visitor_id": "v"})
    await followed(follower)
    assert look() is not first


async def test_asking_for_ever_other_numbers_of_values_keeps_no_rows(site: Site) -> None:
    """However many different ``top`` were asked for, the rows of two are kept."""
    await site.owner.claim()
    await site.owner.publish(*traffic(Random(6), 300, START_MS - 60_000, START_MS))
    board = await load_board(site.reader, site.catalog, site.clock_ms)
    metric = site.catalog.metrics["click_through_rate"]
    asked = (metric, metric.windows[-1], metric.dimension_sets[-1])
    gc.collect()
    tracemalloc.start()
    try:
        sizes = []
        for some in (range(1, 200), range(200, 1_000)):
            for values_max in some:
                board.rows(*asked, final=False, values_max=values_max)
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] < sizes[0] + 1_000_000  # after 800 further answers, of some 8 kB each


async def test_a_clock_set_back_moves_nothing(site: Site) -> None:
    """Windows that have moved on stay: the panes behind them are gone."""
    await site.owner.claim()
    follower = site.follower()
    await follower.load()
    metric = site.catalog.metrics["page_views"]

    def end_ms() -> int:
        return follower.board().rows(metric, metric.windows[0], (), final=False)[0].window_end_ms

    before_ms = end_ms()
    site.now_ms -= HOUR_MS
    assert end_ms() == before_ms
    assert follower.board().whole


async def test_deleted_panes_make_windows_incomplete(site: Site) -> None:
    """A window that reaches back behind what is kept says so, in both ways of reading it."""
    await site.owner.claim()
    follower = site.follower()
    await follower.load()
    metric = site.catalog.metrics["page_views"]
    short, long = (next(w for w in metric.windows if w.name == name) for name in ("1m", "15m"))
    site.owner.expire_before = {"10s": START_MS - 5 * 60_000}
    await site.owner.tick(START_MS)
    follower._refreshed_ms = 0
    board = await followed(follower)
    for window, complete in ((short, True), (long, False)):
        (row,) = board.rows(metric, window, (), final=False)
        assert row.complete is complete
        assert [row] == await site.asked(Question(metric, window, ()))
