"""Apache Kafka's jars: named by pom.xml, fetched by Maven into its own cache, once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

POM: Final = Path(__file__).parents[2] / "pom.xml"
CLASS_PATH: Final = POM.parent / "target" / "kafka.classpath"
JAVA_MIN: Final = 17
FETCH_TIMEOUT_S: Final = 300


class KafkaMissingError(Exception):
    """Apache Kafka cannot be run here; the text says what is missing."""


def class_path() -> str:
    """Return the class path of Kafka's server, fetching its jars where they are not there yet.

    Raises:
        KafkaMissingError: Java or Maven is missing or too old, or the registry does not answer.
    """
    _check_java()
    if not _is_fetched():
        _fetch()
    return CLASS_PATH.read_text().strip()


def _check_java() -> None:
    java = shutil.which("java")
    if java is None:
        raise KafkaMissingError("java is not there: install a JRE (Debian: default-jre-headless)")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA_MIN:
        raise KafkaMissingError(f"java: {said.splitlines()[:1]}: {JAVA_MIN} or newer is needed")


def _is_fetched() -> bool:
    if not CLASS_PATH.exists() or CLASS_PATH.stat().st_mtime < POM.stat().st_mtime:
        return False
    return all(Path(jar).exists() for jar in CLASS_PATH.read_text().strip().split(os.pathsep))


def _fetch() -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise KafkaMissingError("mvn is not there: install Maven, which fetches Kafka's jars")
    CLASS_PATH.parent.mkdir(exist_ok=True)
    fresh = CLASS_PATH.with_suffix(f".{os.getpid()}")  # of two at once, neither reads half a file
    command = [mvn, "-B", "-q", "-f", POM, "dependency:build-classpath"]
    try:
        done = subprocess.run(
            [*command, f"-Dmdep.outputFile={fresh}", "-Dmdep.regenerateFile=true"],
            capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise KafkaMissingError(f"mvn: no jars within {FETCH_TIMEOUT_S} s") from None
    if done.returncode or not fresh.exists():
        said = (done.stdout + done.stderr).strip().splitlines()
        raise KafkaMissingError("mvn cannot fetch Kafka's jars: " + " ".join(said[:3]))
    fresh.rename(CLASS_PATH)
