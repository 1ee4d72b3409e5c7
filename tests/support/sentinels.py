"""Sentinels on loopback that watch a primary and promote its replica."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import redis

from streams.embedded.binaries import valkey_binary
from streams.embedded.ports import LOOPBACK, free_port
from tests.valkey import START_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE: Final = "figures"
COUNT: Final = 3
_CONFIG: Final = """\
bind {host}
port {port}
dir {directory}
sentinel monitor {service} {host} {primary} 2
sentinel down-after-milliseconds {service} 1000
sentinel failover-timeout {service} 60000
"""


@contextmanager
def sentinels(directory: Path, primary_port: int) -> Iterator[str]:
    """Run them as long as the context lasts; give what ``redis_url`` has to be.

    They know each other, and of one replica, once the context begins.
    """
    processes: list[subprocess.Popen[bytes]] = []
    ports = [free_port() for _ in range(COUNT)]
    try:
        for port in ports:
            own = directory / f"sentinel-{port}"
            own.mkdir(parents=True)
            config = own / "sentinel.conf"  # which it writes to itself
            config.write_text(
                _CONFIG.format(
                    host=LOOPBACK, port=port, directory=own, service=SERVICE, primary=primary_port
                )
            )
            with (own / "log").open("wb") as log:
                command = [str(valkey_binary()), str(config), "--sentinel"]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        deadline = time.monotonic() + START_TIMEOUT_S
        while not all(map(_knows_all, ports)):
            assert time.monotonic() < deadline, "the sentinels do not find each other"
            time.sleep(0.05)
        hosts = ",".join(f"{LOOPBACK}:{port}" for port in ports)
        yield f"redis+sentinel://{hosts}/{SERVICE}/0"
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _knows_all(port: int) -> bool:
    try:
        with redis.Redis(port=port) as client:
            seen: dict[str, Any] = client.sentinel_master(SERVICE)  # type: ignore[no-untyped-call]
    except redis.RedisError:
        return False
    others, replicas = seen["num-other-sentinels"], seen["num-slaves"]
    return bool(others == COUNT - 1 and replicas == 1)
