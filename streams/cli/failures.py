"""Which errors are the caller's or a service's, and the one line that says so.

Anything else is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

from processors.errors import InvalidCatalogError, KpiError, UnreachableError

# Looked up among the modules already imported: an error's module always is, and `kpi --help`
# must not import clients only to name their errors.
_SERVICE_ERRORS: Final = (
    ("redis.exceptions", "RedisError", "Redis"),
    ("kafka.errors", "KafkaError", "Kafka"),
    ("aiokafka.errors", "KafkaError", "Kafka"),
)


class Failure(NamedTuple):
    """What to print behind ``kpi:`` and the exit code."""

    text: str
    exit_code: int


def explain(error: BaseException) -> Failure | None:
    """Return the line for an expected error, None for a defect."""
    if isinstance(error, InvalidCatalogError):
        more = f" (and {len(error.errors) - 1} more: kpi catalog check)" * (len(error.errors) > 1)
        return Failure(_one_line(error.errors[0]) + more, error.exit_code)
    if isinstance(error, KpiError):
        return Failure(_one_line(error), error.exit_code)
    for module, name, service in _SERVICE_ERRORS:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return Failure(f"{service}: {_one_line(error)}", UnreachableError.exit_code)
    if isinstance(error, ConnectionError | TimeoutError):
        return Failure(_one_line(error), UnreachableError.exit_code)
    return None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
