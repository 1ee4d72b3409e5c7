"""Dead letters by identity, filtered and grouped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from streams.dead_letters.letter import Group, Letter


@dataclass(frozen=True)
class Choice:
    """Which letters are meant; what is empty does not narrow it.

    Attributes:
        sources: identities, ``topic/partition/offset``.
        since_ms: only what was rejected at or after this time.
    """

    sources: frozenset[str] = frozenset()
    reason: str = ""
    topic: str = ""
    field: str = ""
    since_ms: int = 0

    def takes(self, letter: Letter) -> bool:
        """Tell whether a letter is meant."""
        return (
            (not self.sources or letter.source in self.sources)
            and self.reason in ("", letter.reason)
            and self.topic in ("", letter.topic)
            and self.field in ("", letter.field, letter.group.field)
            and letter.rejected_ms >= self.since_ms
        )


def newest(letters: Iterable[Letter]) -> list[Letter]:
    """Return each record's newest letter, in the order in which they were rejected.

    A crash between a letter and its checkpoint repeats the letter; a retry that failed again tells
    what is wrong now.
    """
    found: dict[str, Letter] = {}
    for letter in letters:
        known = found.get(letter.source)
        if known is None or letter.rejected_ms >= known.rejected_ms:
            found[letter.source] = letter
    return sorted(found.values(), key=lambda letter: (letter.rejected_ms, letter.source))


@dataclass
class Tally:
    """A group's letters.

    Attributes:
        letters: how many records.
        counted: how many of them a retry has brought into the figures since.
        first_ms, last_ms: when the first and the last were rejected.
        sample: the newest that was not counted since, else the newest.
    """

    group: Group
    letters: int
    counted: int
    first_ms: int
    last_ms: int
    sample: Letter


def tally(letters: Iterable[Letter], counted: Collection[str]) -> list[Tally]:
    """Group letters, the largest group first.

    Args:
        letters: one a record, oldest first.
        counted: the sources that are in the ledger.
    """
    groups: dict[Group, list[Letter]] = {}
    for letter in letters:
        groups.setdefault(letter.group, []).append(letter)
    tallies = []
    for group, members in groups.items():
        left = [letter for letter in members if letter.source not in counted]
        tallies.append(
            Tally(
                group,
                len(members),
                len(members) - len(left),
                members[0].rejected_ms,
                members[-1].rejected_ms,
                (left or members)[-1],
            )
        )
    return sorted(tallies, key=lambda one: (one.counted - one.letters, one.group))
