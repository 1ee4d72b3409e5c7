"""Versions of measures: a changed definition counts into cells of its own, and says since when.

::

    definition     A A A A A A A B B B B B B B
    cells          revenue ----->              kept and readable, but nothing is added any more
                                 revenue@2 --->  counted since the change: incomplete before it

What a namespace has kept is its *register*: of each measure the fingerprints of its definitions in
order, and of each *item* (a measure's version in one dimension set and rung) how often it was taken
up. Generation 0 was there when the namespace began; of later ones each partition notes, as it takes
them up, the event time that it had reached.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from processors.catalog import fields as event_fields
from processors.catalog.requirements import read_dimensions, reads_of, slot_rungs
from processors.catalog.shaped_by import shaped_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from processors.catalog.model import Catalog, Measure, Metric, Window

SINCE: Final = "since:"  # + item#generation: the pipeline counter with the event time (ms)
VERSION_MARK: Final = "@"
NEVER_TAKEN_UP: Final = -1  # the generation of what no worker keeps, yet or any more
_MEASURE: Final = "measure:"
_ITEM: Final = "item:"
_OFF: Final = " off"


@dataclass(frozen=True)
class Kept:
    """What a namespace keeps of a catalogue.

    Attributes:
        stored: measure -> its name in cells; those that are not there go by their own.
        generations: item -> how often it was taken up, where it was not there from the beginning.
        versioned: measures that have had more than one definition.
    """

    stored: Mapping[str, str] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    versioned: frozenset[str] = frozenset()

    def name(self, measure: str) -> str:
        """Return a measure's name in cells."""
        return self.stored.get(measure, measure)

    def since_key(self, item: str) -> str | None:
        """Return the counter that says since when an item is counted; None: from the beginning."""
        generation = self.generations.get(item)
        return None if generation is None else f"{SINCE}{item}#{generation}"


NOTHING_CHANGED: Final = Kept()


def fingerprint(measure: Measure, catalog: Catalog) -> str:
    """Return a digest of all that decides what a measure counts, the names of it aside."""
    defaults = asdict(catalog.defaults)
    settings = {name: defaults[name] for event in measure.events for name in shaped_by(event)}
    definition = asdict(measure) | {"name": "", "settings": settings, "zone": catalog.ladder.zone}
    text = json.dumps(definition, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def item_name(stored: str, dimensions: Iterable[str], rung: str) -> str:
    """Return the name of a measure's version in one dimension set and rung."""
    return f"{stored}|{','.join(dimensions)}|{rung}"


def look(register: Mapping[str, str], catalog: Catalog, *, back: int = 0) -> Kept:
    """Return what a register says of a catalogue; changes nothing.

    Args:
        register: as stored; empty in a namespace without one.
        catalog: the definitions in force.
        back: read so many versions before them, as far as there are any.
    """
    stored: dict[str, str] = {}
    versioned = set()
    for name in catalog.requirements:
        known = register.get(_MEASURE + name, "").split()
        mark = fingerprint(catalog.measures[name], catalog)
        version = known.index(mark) + 1 if mark in known else len(known) + 1
        if len(known) > 1 or version > 1:
            versioned.add(name)
        version = max(1, version - back)
        if version > 1:
            stored[name] = f"{name}{VERSION_MARK}{version}"
    kept = Kept(stored, {}, frozenset(versioned))
    if not register:
        return kept
    generations = {}
    for item in _items(catalog, kept):
        value = register.get(_ITEM + item)
        # What is no longer counted may have ended within the window: nobody knows when.
        generation = NEVER_TAKEN_UP if value is None or value.endswith(_OFF) else int(value)
        if generation:
            generations[item] = generation
    return Kept(stored, generations, frozenset(versioned))


def adopt(register: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return the fields by which a register changes when a catalogue comes into force."""
    changes: dict[str, str] = {}
    for name in catalog.requirements:
        known = register.get(_MEASURE + name, "").split()
        mark = fingerprint(catalog.measures[name], catalog)
        if mark not in known:
            changes[_MEASURE + name] = " ".join([*known, mark])
    items = set(_items(catalog, look(dict(register) | changes, catalog)))
    for item in items:
        before = register.get(_ITEM + item)
        if before is None:
            changes[_ITEM + item] = "1" if register else "0"
        elif before.endswith(_OFF):
            changes[_ITEM + item] = str(int(before.removesuffix(_OFF)) + 1)
    for name, value in register.items():
        gone = name.startswith(_ITEM) and name.removeprefix(_ITEM) not in items
        if gone and not value.endswith(_OFF):
            changes[name] = value + _OFF
    return changes


class Item(NamedTuple):
    """One thing that is kept, as a KPI reads it."""

    name: str
    measure: str
    rung: str


def items_read(
    catalog: Catalog, kept: Kept, metric: Metric, window: Window, dimensions: tuple[str, ...]
) -> Iterator[Item]:
    """Yield the items that a KPI's rows of a window and dimension set read."""
    for read in reads_of(metric):
        by = read_dimensions(read, catalog.measures[read.measure], dimensions)
        for rung in slot_rungs(read.slot, window, catalog.ladder):
            yield Item(item_name(kept.name(read.measure), by, rung), read.measure, rung)


def pending_of(catalog: Catalog, kept: Kept, topic: str) -> list[str]:
    """Return the items of a topic's measures that were not there from the beginning."""
    if not kept.generations:
        return []
    fed = {kept.name(name) for name in catalog.requirements if topic in fed_by(catalog, name)}
    return [item for item in kept.generations if item.partition("|")[0] in fed]


def fed_by(catalog: Catalog, measure: str) -> frozenset[str]:
    """Return the topics whose partitions hold a measure's cells."""
    return frozenset(map(event_fields.topic_of, catalog.measures[measure].events))


def _items(catalog: Catalog, kept: Kept) -> Iterator[str]:
    for name, requirement in catalog.requirements.items():
        for dimensions in requirement.dimension_sets:
            for rung in requirement.rungs:
                yield item_name(kept.name(name), dimensions, rung)
