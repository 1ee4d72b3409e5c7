"""Who reads the namespace: a worker that runs already, or a temporary one of our own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from processors.errors import UnreachableError
from streams.settings import env_name
from streams.supervisor.child import ChildSpec

if TYPE_CHECKING:
    from pathlib import Path

    from streams.settings import Settings

_TIMEOUT_MS: Final = 5_000


def worker_running(settings: Settings) -> bool:
    """Tell whether the namespace's consumer group has a member.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=settings.broker.split(","),
            bootstrap_timeout_ms=_TIMEOUT_MS,
            request_timeout_ms=3 * _TIMEOUT_MS,
            client_id="kpi-streams-admin",
        )
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {type(error).__name__}") from error
    try:
        group = admin.describe_groups([settings.group_id]).get(settings.group_id, {})
        return bool(group.get("members"))
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {error}") from error
    finally:
        admin.close()


def worker_spec(settings: Settings, log_path: Path) -> ChildSpec:
    """Describe a worker for the settings' namespace that makes no ticks.

    Its time is the log's alone, so that a replay gives the same figures whenever it runs.
    """
    return ChildSpec(
        name="the temporary worker",
        argv=(sys.executable, "-m", "streams.cli.main", "worker"),
        env=settings.environment()
        | {
            env_name("namespace"): settings.namespace,
            env_name("tick_interval_ms"): "0",
            env_name("worker_port"): "0",
        },
        log_path=log_path,
    )
