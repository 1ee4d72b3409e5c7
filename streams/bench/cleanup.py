"""Leaving nothing behind on servers that are not ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from processors.errors import UnreachableError
from streams.kafka_clients import connection
from streams.tables.admin import drop_namespace
from streams.tables.connection import connected
from streams.topics import describe_topics

if TYPE_CHECKING:
    from streams.settings import Settings


def drop(settings: Settings) -> None:
    """Delete the settings' namespace: its tables and its topics.

    Raises:
        UnreachableError: a server is away or refused.
    """
    try:
        asyncio.run(_drop(settings, list(describe_topics(settings))))
    except KafkaError as error:
        raise UnreachableError(f"broker: {settings.broker}: {error}") from error


async def _drop(settings: Settings, topics: list[str]) -> None:
    async with connected(settings.redis_url) as client:
        await drop_namespace(client, settings.namespace)
    admin = AIOKafkaAdminClient(**connection(settings))
    try:
        await admin.start()
        await admin.delete_topics(topics)
    finally:
        await admin.close()
