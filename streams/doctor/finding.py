"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from processors.errors import CheckFailedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Status(StrEnum):
    """How it stands."""

    OK = "ok"
    WARNING = "warning"  # works, but may surprise
    WRONG = "wrong"
    UNREACHABLE = "unreachable"


_EXIT_CODES: Final = {
    Status.OK: 0,
    Status.WARNING: 0,
    Status.WRONG: CheckFailedError.exit_code,
    Status.UNREACHABLE: UnreachableError.exit_code,
}


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, and what that means."""

    area: str
    subject: str
    status: Status
    detail: str


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the worst finding's exit code."""
    return max((_EXIT_CODES[finding.status] for finding in findings), default=0)
