"""Entry point ``faust.transports: kpi``: broker URLs ``kpi://host:port``."""

from __future__ import annotations

from typing import ClassVar

from faust.transport.drivers import aiokafka

from streams.transport.consumer import ChunkConsumer


class Transport(aiokafka.Transport):  # type: ignore[misc]  # untyped library
    """Faust's aiokafka transport that consumes chunks; producing is unchanged."""

    Consumer: ClassVar[type[ChunkConsumer]] = ChunkConsumer
