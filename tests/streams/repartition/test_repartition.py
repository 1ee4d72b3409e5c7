"""A topic gets more partitions in the middle of its log; the figures are those of one log.

::

    4 partitions   e e e e e e e e |                    sessions, carts, tickets, ... go on
    kpi repartition                |                    across the change
    6 partitions                   | e e e e e e e e    = the batch recomputation of all of it
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from processors.catalog.load import load_catalog
from processors.errors import CheckFailedError, FencedError, UsageError
from processors.event import tick_record
from processors.names import ADS, BUSINESS, CUSTOMER, LEADS, SUPPORT, VISITOR, parse_cell
from processors.passing import MARKS, read_marks, write_marks
from processors.pipeline import compile_plan
from processors.state import state_id
from streams.catalog_files import preset_sources
from streams.repartition import run as repartition_run
from streams.repartition.layout import Layout
from streams.repartition.moves import Moves
from streams.repartition.run import Repartitioned, repartition
from streams.settings import Settings
from streams.tables.connection import call, open_client
from streams.tables.keys import REGISTRY_DROPPING, PartitionKeys, registry_key
from streams.tables.redis_reader import RedisReader
from streams.topics import TopicFacts
from tests.faults.judge import EVER_MS, Cells, _rolled_up
from tests.simulation.oracle import recompute
from tests.streams.repartition.counting import HORIZON, Event, Topic, events_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path

    from redis.asyncio import Redis

    from processors.catalog.model import Catalog

_namespaces = (f"repartition-{number}" for number in itertools.count())
AFTER_MS = 3 * 3_600_000


class Scene:
    """One topic in one namespace; the broker is what the test says that it is."""

    def __init__(
        self, client: Redis, catalog: Catalog, topic: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.client, self.catalog, self.monkeypatch = client, catalog, monkeypatch
        self.namespace = next(_namespaces)
        self.topic = Topic(client, self.namespace, compile_plan(catalog), topic)
        self.kept_from = 0  # share of the old log that retention has taken

    async def change(
        self, after: int, backup: Path, wanted: int = 0, topic: str = ""
    ) -> Repartitioned:
        """Run the command; the topic has so many partitions by now."""
        topic = topic or self.topic.topic

        async def nobody(*_args: object) -> str:
            return ""

        def read_log(
            _settings: Settings, _layout: object, moves: Moves, metas: Any, *_report: object
        ) -> None:
            log = self.topic.passed if topic == CUSTOMER else self.topic.log
            for number, records in log.items():
                kept = records[int(len(records) * self.kept_from) :]
                counted = int(metas.get(number, {}).get(b"offset", 0))
                moves.read(number, kept, counted)

        facts = {f"{self.namespace}.{topic}": TopicFacts("id", after)}
        self.monkeypatch.setattr(repartition_run, "refuse_workers", nobody)
        self.monkeypatch.setattr(repartition_run, "describe_topics", lambda _: facts)
        self.monkeypatch.setattr(repartition_run, "_read_log", read_log)
        self.monkeypatch.setattr(repartition_run, "_grow", lambda *_: {})
        return await repartition(
            self.client,
            Settings(namespace=self.namespace),
            self.catalog,
            topic,
            wanted=wanted,
            backup=backup,
            report=lambda *_: None,
        )

    async def stored(self) -> Cells:
        """Return every cell of every rung, over all partitions."""
        reader = RedisReader(self.client, self.namespace)
        cells: Cells = {}
        for rung in self.catalog.ladder.rungs:
            for start, found in (await reader.panes(rung.name, -EVER_MS, EVER_MS)).items():
                for name, value in found.items():
                    number = value if isinstance(value, int) else len(value)
                    if number:
                        cells[rung.name, start, parse_cell(name)] = number
        return cells

    def recomputed(self, events: list[Event], end_ms: int) -> Cells:
        """Return the same, of one log without partitions."""
        values = [json.dumps(event).encode() for event in events]
        records = [(n, e["ts"], v) for n, (e, v) in enumerate(zip(events, values, strict=True))]
        tick = json.dumps({"event_id": "end", "type": "_tick", "ts": end_ms}).encode()
        log = {(self.topic.topic, 0): [*records, (len(records), end_ms, tick)]}
        expected = recompute(self.catalog, log, dedup_horizon=HORIZON)
        return _rolled_up(self.catalog, expected)

    async def finish(self, events: list[Event], partitions: int) -> None:
        """Count to the end and compare."""
        end_ms = events[-1]["ts"] + AFTER_MS
        self.topic.tick(end_ms, partitions)
        await self.topic.count(partitions)
        await self.topic.count_customers(end_ms)
        stored, exact = await self.stored(), self.recomputed(events, end_ms)
        differ = {k: (stored.get(k, 0), exact.get(k, 0)) for k in stored.keys() | exact.keys()}
        assert {k: pair for k, pair in differ.items() if pair[0] != pair[1]} == {}
        assert len(stored) > 100


@pytest.fixture
def client(valkey: str, runner: asyncio.Runner) -> Iterator[Redis]:
    """A client of this test's loop."""
    client = open_client(valkey)
    yield client
    runner.run(client.aclose())


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("topic", [VISITOR, SUPPORT, LEADS, BUSINESS, ADS])
@pytest.mark.parametrize(("before", "after"), [(4, 6), (1, 3), (3, 6)])
async def test_figures_across_the_change_are_exact(
    client: Redis,
    catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    topic: str,
    before: int,
    after: int,
    seed: int,
) -> None:
    """Whatever spans the change counts once and whole, in every rung."""
    scene = Scene(client, catalog, topic, monkeypatch)
    events = events_of(topic, seed)
    middle = len(events) // 2
    scene.topic.publish(events[:middle], before)
    await scene.topic.count(before)
    done = await scene.change(after, tmp_path / "b")
    assert (done.before, done.after) == (before, after)
    assert (done.states > 0) == (topic != ADS)
    scene.topic.publish(events[middle:], after)
    await scene.finish(events, after)


async def test_customers_move_with_what_was_passed_on_of_them(
    client: Redis, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The receiving topic grows: no purchase is lost, or taken for one that was seen before."""
    scene = Scene(client, catalog, VISITOR, monkeypatch)
    scene.topic.customers = 2
    events = events_of(VISITOR, 7)
    middle = len(events) // 2
    scene.topic.publish(events[:middle], 3)
    await scene.topic.count(3)
    with pytest.raises(UsageError, match="was never counted"):
        await scene.change(3, tmp_path / "b", topic=CUSTOMER)
    await scene.topic.count_customers()
    lane = scene.topic.passed[0]
    lane.append((len(lane), *lane[-1][1:]))  # a repetition that nobody has read yet
    with pytest.raises(CheckFailedError, match="are not counted yet"):
        await scene.change(3, tmp_path / "b", topic=CUSTOMER)
    await scene.topic.count_customers()
    source = PartitionKeys.of(scene.namespace, VISITOR, 0, 3).meta
    reached = await call(client, "HGET", source, "offset")
    await call(client, "HSET", source, "offset", 0)  # its last checkpoint is lost
    with pytest.raises(CheckFailedError, match=r"tracking\.visitor/0 passed on what"):
        await scene.change(3, tmp_path / "b", topic=CUSTOMER)
    await call(client, "HSET", source, "offset", reached)
    done = await scene.change(3, tmp_path / "b", topic=CUSTOMER)
    assert done.states > 0
    scene.topic.customers = 3
    for number in range(2):  # repetitions, to whomever they come
        scene.topic.passed[2] = [(0, *scene.topic.passed[number][-1][1:])]
    scene.topic.publish(events[middle:], 3)
    await scene.topic.count(3)
    await scene.finish(events, 3)


def test_marks_of_a_topic_that_was_created_anew_stay_apart() -> None:
    """Some partitions have heard of the new topic, some have not, some not even of ids."""
    origin = f"{VISITOR}/0"
    moves = Moves(Layout(CUSTOMER, 3, 4), load_catalog(preset_sources()))
    for number, marks in enumerate([
        {(origin, "X"): (900, 0), (origin, "Y"): (5, 0)},
        {(origin, "X"): (950, 0)},
        {(origin, ""): (800, 0)},
    ]):  # fmt: skip
        moves.add_states(number, MARKS, [state_id(MARKS), write_marks(marks)])
    moves.refuse_unsettled({origin: (6, "Y")})
    assert list(moves.marks.items()) == [((origin, "X"), (950, 0)), ((origin, "Y"), (5, 0))]
    with pytest.raises(CheckFailedError, match="passed on what"):
        moves.refuse_unsettled({origin: (5, "Y")})
    assert read_marks(write_marks(moves.marks)) == moves.marks


def _login(number: int, ts: int) -> list[Event]:
    """Return a cart, a login, and a backend's purchase before it or after it."""
    who = {"visitor_id": f"v{number}"}
    account = {"customer_id": f"c{number}"}
    money = {"value": 1, "currency": "EUR"}
    login = {"type": "identify", **who, **account}
    bought = {"type": "purchase", **account, **money, "order_id": f"o{number}"}
    made = [{"type": "add_to_cart", **who, **money}]
    made += [login, bought] if number % 2 else [bought, login]
    return [{"event_id": f"{number}-{n}", "ts": ts + n, **event} for n, event in enumerate(made)]


@pytest.mark.parametrize("cut", [1, 2, 3])
async def test_what_is_handed_over_is_so_across_the_change(
    client: Redis, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cut: int
) -> None:
    """Links and purchases that wait move with their customer, carts and marks with the visitor."""
    scene = Scene(client, catalog, VISITOR, monkeypatch)
    topic = scene.topic
    topic.customers = 2
    people = [_login(number, 1_700_000_000_000 + 10_000 * number) for number in range(40)]
    topic.publish([event for events in people for event in events[:cut]], 3)
    await topic.count(3)
    await topic.count_customers(visitors=3)
    if cut == 3:
        with pytest.raises(CheckFailedError, match="are not counted yet"):
            await scene.change(5, tmp_path / "b")  # what was handed over is unread
    await topic.count(3)
    await topic.count_customers(visitors=3)
    await scene.change(5, tmp_path / "b")
    await scene.change(3, tmp_path / "c", topic=CUSTOMER)
    topic.customers = 3
    again = [record for record in topic.log[0] if b'"_passed"' in (record[3] or b"")]
    topic.log[4] = [(n, *record[1:]) for n, record in enumerate(again)]  # to whomever they come
    topic.publish([event for events in people for event in events[cut:]], 5)
    for _ in range(2):
        await topic.count(5)
        await topic.count_customers(visitors=5)
    topic.tick(people[-1][0]["ts"] + AFTER_MS, 5)
    await topic.count(5)
    cells = await scene.stored()
    found = {
        cell.measure: sum(n for (r, _, c), n in cells.items() if r == "1h" and c == cell)
        for _, _, cell in cells
        if not cell.dimensions
    }
    assert found["sessions_started"] == found["sessions_converted"] == 40
    assert found["carts_closed"] == 40
    assert "carts_abandoned" not in found


async def test_a_worker_that_was_stopped_meanwhile_is_fenced(
    client: Redis, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It wakes up with the states of keys that lie elsewhere by now: it may not write them."""
    scene = Scene(client, catalog, VISITOR, monkeypatch)
    events = events_of(VISITOR, 1)
    scene.topic.publish(events, 2)
    await scene.topic.count(2)
    zombie, _ = await scene.topic.claim(VISITOR, 0, 2)
    await scene.change(3, tmp_path / "b")
    end_ms = events[-1]["ts"] + AFTER_MS
    await zombie.add([(len(scene.topic.log[0]), end_ms, None, tick_record(end_ms, 0))])
    with pytest.raises(FencedError):
        await zombie.checkpoint()


async def test_twice_in_a_row(
    client: Redis, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A second change finds the first one's states; without a change there is nothing to do."""
    scene = Scene(client, catalog, VISITOR, monkeypatch)
    events = events_of(VISITOR, 3)
    third = len(events) // 3
    for number, partitions in enumerate((2, 3, 5)):
        if number:
            await scene.change(partitions, tmp_path / str(number))
        last = None if number == 2 else third * (number + 1)
        scene.topic.publish(events[third * number : last], partitions)
        await scene.topic.count(partitions)
    done = await scene.change(5, tmp_path / "none")
    assert (done.before, done.after) == (5, 5)
    assert not (tmp_path / "none").exists()  # a moment
    await scene.finish(events, 5)


async def test_a_log_that_has_forgotten_old_orders(
    client: Redis, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Orders whose events are gone go wherever their keys may be, and still count once."""
    scene = Scene(client, catalog, VISITOR, monkeypatch)
    events = events_of(VISITOR, 4)
    middle = len(events) // 2
    scene.topic.publish(events[:middle], 4)
    await scene.topic.count(4)
    scene.kept_from = 0.8  # type: ignore[assignment]  # of ten days: carts are in the rest
    await scene.change(6, tmp_path / "b")
    scene.topic.publish(events[middle:], 6)
    await scene.finish(events, 6)


async def test_refusals_change_nothing(
    client: Redis, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Unread records, both layouts counted, forgotten carts, fewer partitions: told, and kept."""
    scene = Scene(client, catalog, VISITOR, monkeypatch)
    events = events_of(VISITOR, 5)
    scene.topic.publish(events[:300], 4)
    await scene.topic.count(4)

    async def refused(match: str, after: int = 6) -> None:
        before = await stored()
        with pytest.raises((CheckFailedError, UsageError), match=match):
            await scene.change(after, tmp_path / "b")
        assert await stored() == before
        assert not (tmp_path / "b").exists()

    async def stored() -> dict[bytes, bytes]:
        keys = sorted(await call(client, "KEYS", f"kpi:{scene.namespace}:*"))
        return {key: await call(client, "DUMP", key) for key in keys}

    registry = registry_key(scene.namespace)
    await call(client, "HSET", registry, REGISTRY_DROPPING, 1)
    await refused("broke off half-way")
    await call(client, "HDEL", registry, REGISTRY_DROPPING)
    scene.kept_from = 1
    await refused("the log holds no event any more")
    scene.kept_from = 0
    await refused("was created anew", 3)
    with pytest.raises(UsageError, match="Kafka takes none away"):
        await scene.change(6, tmp_path / "fewer", wanted=5)
    scene.topic.publish(events[300:400], 4)  # and nobody reads them before the change
    await refused("are not counted yet")
    await scene.topic.count(4)
    untouched = Scene(client, catalog, VISITOR, monkeypatch)
    await untouched.topic.count(4)  # claimed, and nothing counted yet
    untouched.topic.publish(events[:100], 4)
    with pytest.raises(CheckFailedError, match="are not counted yet"):
        await untouched.change(6, tmp_path / "b")
    scene.topic.publish(events[400:600], 6)  # producers know of the change, workers do not yet
    await scene.topic.count(4)
    await refused("both layouts")
