"""A worker process to be killed: ``python process.py BROKER NAMESPACE STORE_DIRECTORY``."""

from __future__ import annotations

import sys
from pathlib import Path

from streams.settings import Settings
from streams.worker.run import run_worker
from tests.streams.worker.simple import Store, counting_backend

SESSION_TIMEOUT_MS = 3_000  # the tests' Apache Kafka takes it, one as installed none below 6000


def settings_for(broker: str, namespace: str) -> Settings:
    """Return settings with short times, so that rebalances take seconds."""
    return Settings(
        broker=broker,
        namespace=namespace,
        partitions=4,
        checkpoint_interval_ms=100,
        tick_interval_ms=0,
        rebalance_timeout_ms=1_500,
        session_timeout_ms=SESSION_TIMEOUT_MS,
    )


if __name__ == "__main__":
    broker, namespace, directory = sys.argv[1:]
    store = Store(Path(directory))
    sys.exit(run_worker(settings_for(broker, namespace), lambda _: counting_backend(store)))
