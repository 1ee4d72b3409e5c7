"""Where each peer is installed: a virtual environment or a class path of its own, below target/.

Nothing of a peer enters the product's dependencies. What cannot be installed here is a
:class:`MissingError` with the reason; the others run all the same.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PLACES: Final = HERE.parents[1] / "target" / "peers"
_TIMEOUT_S: Final = 900


class MissingError(Exception):
    """A peer cannot run here; the text says why."""


def python_of(peer: str) -> Path:
    """Return the interpreter of a peer's virtual environment, made where it is not there yet.

    Raises:
        MissingError: its packages cannot be installed for this Python.
    """
    wanted = (HERE / peer / "requirements.txt").read_bytes()
    place = PLACES / f"{peer}-{hashlib.sha256(wanted).hexdigest()[:8]}"
    python = place / "bin" / "python"
    if not (place / ".complete").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(place)])
        requirements = str(HERE / peer / "requirements.txt")
        _run([str(python), "-m", "pip", "install", "--quiet", "--no-input", "-r", requirements])
        (place / ".complete").touch()
    return python


def class_path_of(peer: str) -> str:
    """Return the class path of a peer's Maven module, fetched where it is not there yet.

    Raises:
        MissingError: there is no JDK or Maven, or the registry does not answer.
    """
    for tool, package in (("javac", "a JDK of Java 17 or newer"), ("mvn", "Maven")):
        if shutil.which(tool) is None:
            raise MissingError(f"{tool} is not there: {package} is needed")
    pom = HERE / peer / "pom.xml"
    found = PLACES / f"{peer}.classpath"
    if not found.exists() or found.stat().st_mtime < pom.stat().st_mtime:
        PLACES.mkdir(parents=True, exist_ok=True)
        _run(
            ["mvn", "-B", "-q", "-f", str(pom), "dependency:build-classpath",
             f"-Dmdep.outputFile={found}", "-Dmdep.regenerateFile=true"]
        )  # fmt: skip
    return found.read_text().strip()


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise MissingError(f"{command[0]}: not done within {_TIMEOUT_S} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise MissingError(said[-1] if said else f"{command[0]}: exit code {done.returncode}")
