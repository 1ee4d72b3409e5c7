"""Which partitions may hand out records, from where on, and how far ahead of their owner."""

from __future__ import annotations

from dataclasses import dataclass

RECORDS_AHEAD_MAX = 20_000  # about five full slices: enough to never wait, little to hold


@dataclass(slots=True)
class Gate:
    """The passage from the consumer's thread to a partition's owner; closed unless it exists.

    Each attribute is written by one thread only, so no lock is needed: ``reached`` by the owner,
    the rest by the consumer's thread.

    Attributes:
        generation: the group generation for which it was opened; void in any other.
        handed: the position up to which records were handed out.
        reached: the position up to which the owner has worked.
    """

    generation: int
    handed: int
    reached: int

    @property
    def has_room(self) -> bool:
        """Whether the owner can take another chunk."""
        return self.handed - self.reached < RECORDS_AHEAD_MAX
