"""What needs no server: the catalogue, the embedded wheels, this machine's clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from processors.errors import KpiError
from streams.catalog_files import read_catalog
from streams.doctor.finding import Finding, Status
from streams.embedded.binaries import broker_binary, valkey_binary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.settings import Settings

_RELEASED_MS: Final = 1_735_689_600_000  # 2025-01-01: an earlier clock was never set


def check_local(settings: Settings) -> Iterator[Finding]:
    """Look at the catalogue, the embedded servers' wheels and the clock."""
    try:
        catalog = read_catalog(settings)
    except KpiError as error:
        yield Finding("catalogue", settings.catalog_dir or "presets", Status.WRONG, str(error))
    else:
        detail = f"{len(catalog.metrics)} KPIs, days cut in {catalog.ladder.zone}"
        yield Finding("catalogue", settings.catalog_dir or "presets", Status.OK, detail)
    for name, find in (("broker", broker_binary), ("Valkey", valkey_binary)):
        try:
            yield Finding("embedded", name, Status.OK, str(find()))
        except KpiError as error:
            yield Finding("embedded", name, Status.WARNING, str(error))
    if time.time_ns() // 1_000_000 < _RELEASED_MS:
        yield Finding(
            "clock", "this machine", Status.WRONG, "is not set: every event is far future"
        )
    else:
        yield Finding("clock", "this machine", Status.OK, time.strftime("%Y-%m-%dT%H:%M:%S%z"))
