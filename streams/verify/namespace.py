"""A namespace for one verification: new, with every pane kept, and gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from processors.errors import UsageError
from streams.embedded.servers import embedded_servers
from streams.kafka_clients import connection
from streams.settings import DEFAULT_SOURCE
from streams.tables.admin import drop_namespace
from streams.tables.connection import connected
from streams.topics import describe_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.settings import Settings

_TIMEOUT_MS: Final = 15_000


@contextmanager
def own_namespace(settings: Settings, say: Callable[[str], None]) -> Iterator[Settings]:
    """Yield settings of a namespace that nobody else uses; clear it afterwards.

    Where neither broker nor Redis is configured, embedded ones run meanwhile.

    Raises:
        UsageError: the namespace that ``--namespace`` names exists already.
        UnreachableError: broker or Redis is away or refused.
    """
    if _configured(settings, "broker") or _configured(settings, "redis_url"):
        mine = _named(settings)
        found = describe_topics(mine)
        if found:
            raise UsageError(
                f"namespace {mine.namespace} has topics already: what they hold would be counted"
                " too, and deleted at the end; name one that does not exist, or none"
            )
        try:
            yield mine
        finally:
            asyncio.run(_drop_tables(mine))
            _delete_topics(mine, say)
        return
    with embedded_servers() as addresses:
        yield _named(replace(settings, broker=addresses.broker, redis_url=addresses.redis_url))


def _named(settings: Settings) -> Settings:
    name = f"verify-{secrets.token_hex(4)}"
    if settings.sources.get("namespace") == "--namespace":  # not what the environment runs live
        name = settings.namespace
    return replace(settings, namespace=name, keep_all_panes=1)


def _configured(settings: Settings, name: str) -> bool:
    return settings.sources.get(name, DEFAULT_SOURCE) != DEFAULT_SOURCE


async def _drop_tables(settings: Settings) -> None:
    async with connected(settings.redis_url) as client:
        await drop_namespace(client, settings.namespace)


def _delete_topics(settings: Settings, say: Callable[[str], None]) -> None:
    topics = sorted(describe_topics(settings))
    try:
        admin = KafkaAdminClient(
            **connection(settings),
            request_timeout_ms=_TIMEOUT_MS,
            client_id="kpi-streams-admin",
        )
        try:
            with contextlib.suppress(KafkaError):  # an empty group goes by itself in the end
                admin.delete_groups([settings.group_id])
            admin.delete_topics(topics)
        finally:
            admin.close()
    except KafkaError as error:
        say(f"topics {', '.join(topics)} are left behind: {error}")
