"""Who reads the namespace: a worker that runs already, or a temporary one of our own."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from processors.errors import UnreachableError
from streams.kafka_clients import connection
from streams.settings import env_name
from streams.supervisor.child import ChildSpec

if TYPE_CHECKING:
    from pathlib import Path

    from streams.settings import Settings

_TIMEOUT_MS: Final = 10_000


def worker_running(settings: Settings) -> bool:
    """Tell whether the namespace's consumer group has a member.

    Raises:
        UnreachableError: the broker is away or refused.
    """
    try:
        return asyncio.run(_has_members(settings))
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {error}") from error


async def _has_members(settings: Settings) -> bool:
    # kafka-python cannot read the embedded broker's answer to this request.
    admin = AIOKafkaAdminClient(
        **connection(settings),
        request_timeout_ms=_TIMEOUT_MS,
        client_id="kpi-streams-admin",
    )
    try:
        await admin.start()
        try:
            answers = await admin.describe_consumer_groups([settings.group_id])
        except GroupCoordinatorNotAvailableError:
            return False  # a new cluster: no group has ever joined
        groups = [group for answer in answers for group in answer.to_object()["groups"]]
        return any(group["members"] for group in groups)
    finally:
        await admin.close()


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
