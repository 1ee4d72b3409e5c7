"""Every error that this product raises on purpose.

KpiError                      anything below; `exit_code` is the process's
├── UsageError                the caller asked for something that does not exist (2)
│   ├── CatalogError          a YAML definition is wrong; names file, line, KPI, field, value
│   │   └── InvalidCatalogError   all that is wrong with a catalogue, one CatalogError each
│   └── SettingsError         a setting is missing or unusable
├── CheckFailedError          the checked thing is wrong (1)
├── UnreachableError          a service is away or refused (3)
└── PartitionStoppedError     a partition cannot be read on without a person's decision (1)
    ├── OversizeError         a record is longer than the broker takes: no retry sends it
    ├── FencedError           another worker owns the partition now: drop it, do not retry
    └── AheadOfLogError       it was counted further than the log went when that was asked for
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class KpiError(Exception):
    """Base of all errors with a message meant for the person at the keyboard."""

    exit_code = 1


class UsageError(KpiError):
    """The caller asked for something that does not exist."""

    exit_code = 2


class CatalogError(UsageError):
    """A catalogue definition is wrong.

    Args:
        file: the YAML file's name.
        line: 1-based line of the faulty entry, 0 where unknown.
        subject: the KPI or measure.
        field: the entry's field.
        value: what stands there.
        consequence: what would go wrong if it were accepted.
    """

    def __init__(
        self, file: str, line: int, subject: str, field: str, value: object, consequence: str
    ) -> None:
        self.file, self.line, self.subject = file, line, subject
        self.field, self.value, self.consequence = field, value, consequence
        super().__init__(f"{file}:{line}: {subject}: {field}: {value!r}: {consequence}")


class InvalidCatalogError(CatalogError):
    """Everything that is wrong with a catalogue; its own fields are those of the first fault.

    Args:
        errors: at least one; each is a line of the message.
    """

    def __init__(self, errors: Sequence[CatalogError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(
            first.file, first.line, first.subject, first.field, first.value, first.consequence
        )
        self.args = ("\n".join(map(str, self.errors)),)


class SettingsError(UsageError):
    """A setting is missing or unusable."""


class CheckFailedError(KpiError):
    """The checked thing is wrong."""


class UnreachableError(KpiError):
    """A service is away or refused."""

    exit_code = 3


class PartitionStoppedError(KpiError):
    """A partition cannot be read on without a person's decision."""


class OversizeError(PartitionStoppedError):
    """A record is longer than the producer or the broker takes; the message holds none of it."""


class FencedError(PartitionStoppedError):
    """Another worker owns the partition now: drop it, do not retry."""


class AheadOfLogError(PartitionStoppedError):
    """The stored offset lies past the end of the log as the claimer knows it.

    Args:
        text: the message.
        offset: the stored one.
    """

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.offset = offset
