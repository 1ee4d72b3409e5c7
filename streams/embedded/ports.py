"""Loopback ports."""

from __future__ import annotations

import socket
from typing import Final

from processors.errors import UsageError

LOOPBACK: Final = "127.0.0.1"


def free_port() -> int:
    """Return a loopback port that is free now; another process may still be faster."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def require_free(host: str, port: int, flag: str) -> None:
    """Check that a port can be listened on.

    Args:
        host: the address to listen on.
        port: the port; 0 is always free.
        flag: the flag that chooses another port, for the message.

    Raises:
        UsageError: the port is in use, or the address is not this machine's.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"cannot listen on {host}:{port}: {reason}: choose another port with {flag}"
            ) from None
