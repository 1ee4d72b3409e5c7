"""``kpi repartition`` on real servers: back up, find out where states go, write them there.

::

    producers stopped ─> log read to its end ─> workers ended ─> kpi repartition ─> all again
                                                                 backup
                                                                 refusals: nothing has changed yet
                                                                 partitions added (--partitions)
                                                                 tables written from the backup
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka import TopicPartition

from processors.errors import CheckFailedError, UsageError
from processors.names import PROCESSED_TOPICS, physical_topic
from processors.pipeline import compile_plan, keeps_states_of
from streams.backup.file import read_header, read_parts
from streams.backup.presence import refuse_workers
from streams.backup.read import back_up
from streams.backup.write import replace_tables, topics_of
from streams.kafka_log import Stretch, log_consumer, read_stretches
from streams.repartition.layout import Layout
from streams.repartition.moves import Moves, states_of
from streams.repartition.relayout import Relayout
from streams.tables.base import PartitionId
from streams.tables.connection import reaching
from streams.tables.registry import read_partitions, refuse_dropping
from streams.topics import add_partitions, describe_topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis.asyncio import Redis

    from processors.catalog.model import Catalog
    from streams.settings import Settings

    Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Repartitioned:
    """What was done; ``before`` and ``after`` are equal where there was nothing to do."""

    topic: str
    before: int
    after: int
    states: int


async def repartition(
    client: Redis,
    settings: Settings,
    catalog: Catalog,
    topic: str,
    *,
    wanted: int,
    backup: Path,
    report: Report,
) -> Repartitioned:
    """Bring a topic's tables to its number of partitions.

    Args:
        client: of the tables.
        settings: broker and namespace.
        catalog: the definitions by which the namespace is kept.
        topic: logical.
        wanted: add partitions up to so many; 0: as many as there are.
        backup: where the tables are written first; the way back.
        report: gets what is done, how far it is, and of how much.

    Raises:
        UsageError: the topic, the number or the workers are not as this needs them.
        CheckFailedError: the figures would not be exact.
        UnreachableError: broker or Redis is away or refused.
    """
    if topic not in PROCESSED_TOPICS:
        raise UsageError(f"--topic {topic}: one of {', '.join(PROCESSED_TOPICS)}")
    await refuse_workers(client, settings, settings.namespace, "their partitions would change")
    with reaching(client):
        await refuse_dropping(client, settings.namespace)
        known = await read_partitions(client, settings.namespace)
    layout = _layout(settings, topic, sum(1 for who in known if who.topic == topic), wanted)
    if layout.before == layout.after:
        return Repartitioned(topic, layout.before, layout.after, 0)
    await back_up(client, settings.namespace, backup, lambda *at: report("keys backed up:", *at))
    moves, metas, reached = _survey(backup, layout, catalog)
    if moves.any or keeps_states_of(compile_plan(catalog), topic):
        _read_log(settings, layout, moves, metas, lambda *at: report("records read:", *at))
    try:
        moves.refuse_unsettled(reached)
        moves.settle()
    except CheckFailedError:
        backup.unlink()  # noqa: ASYNC240  # nothing has changed: the name is free again
        raise
    starts = _grow(settings, layout)
    header = read_header(backup)
    plan = Relayout(settings.namespace, layout, moves, metas, topics_of(header.registry), starts)
    registry = plan.registry(header.registry)
    with reaching(client):
        await replace_tables(client, settings.namespace, registry, plan.placed(read_parts(backup)))
    return Repartitioned(topic, layout.before, layout.after, len(moves.owners))


def _layout(settings: Settings, topic: str, before: int, wanted: int) -> Layout:
    physical = physical_topic(topic, settings.namespace)
    facts = describe_topics(settings).get(physical)
    if facts is None:
        raise UsageError(f"--topic {topic}: there is no topic {physical}: nothing can be moved to")
    if not before:
        raise UsageError(f"--topic {topic}: was never counted: its workers take it as it is")
    if wanted and wanted < facts.partitions:
        raise UsageError(
            f"--partitions {wanted}: {physical} has {facts.partitions}: Kafka takes none away"
        )
    after = wanted or facts.partitions
    if after < before:
        raise UsageError(
            f"--topic {topic}: has {after} partitions, was counted with {before}: it was created "
            "anew. Count it anew (kpi state drop)"
        )
    return Layout(topic, before, after)


def _survey(
    backup: Path, layout: Layout, catalog: Catalog
) -> tuple[Moves, dict[int, dict[bytes, bytes]], dict[str, tuple[int, str]]]:
    """Return the topic's states, its partitions' progress, and how far every partition is."""
    moves = Moves(layout, catalog)
    metas: dict[int, dict[bytes, bytes]] = {}
    reached: dict[str, tuple[int, str]] = {}
    for part in read_parts(backup):
        if part.name == "meta":
            meta = dict(zip(part.items[::2], part.items[1::2], strict=True))
            reached[f"{part.topic}/{part.partition}"] = (
                _counted(meta),
                meta.get(b"topic_id", b"").decode(),
            )
        if part.topic != layout.topic:
            continue
        processor = states_of(part.name)
        if processor is not None:
            moves.add_states(part.partition, processor, part.items)
        elif part.name == "meta":
            metas[part.partition] = meta
    return moves, metas, reached


def _read_log(
    settings: Settings,
    layout: Layout,
    moves: Moves,
    metas: dict[int, dict[bytes, bytes]],
    report: Callable[[int, int], None],
) -> None:
    physical = physical_topic(layout.topic, settings.namespace)
    with log_consumer(settings) as consumer:
        numbers = sorted(consumer.partitions_for_topic(physical) or ())
        parts = [TopicPartition(physical, number) for number in numbers]
        starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        counted = {at.partition: _counted(metas.get(at.partition, {})) for at in parts}
        stretches = {}
        for at in parts:
            start = starts[at] if moves.asks_log else max(starts[at], counted[at.partition])
            stretches[PartitionId(layout.topic, at.partition)] = Stretch(
                start, max(start, ends[at])
            )
        for who, records in read_stretches(consumer, settings, stretches, report):
            moves.read(who.partition, records, counted[who.partition])


def _counted(meta: dict[bytes, bytes]) -> int:
    return int(meta.get(b"offset") or meta.get(b"start") or 0)


def _grow(settings: Settings, layout: Layout) -> dict[int, int]:
    """Add partitions where they are missing; return where the new ones' logs begin."""
    physical = physical_topic(layout.topic, settings.namespace)
    add_partitions(settings, physical, layout.after)
    with log_consumer(settings) as consumer:
        parts = [TopicPartition(physical, n) for n in range(layout.before, layout.after)]
        return {at.partition: start for at, start in consumer.beginning_offsets(parts).items()}
