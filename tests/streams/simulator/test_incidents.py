"""Laws of incidents."""

from __future__ import annotations

import pytest

from processors.errors import UsageError
from streams.simulator.incidents import Incident, IncidentKind, parse_incident


def test_parse() -> None:
    """KIND@AFTER/DURATION counts from the origin."""
    assert parse_incident("ad_outage@10m/5m", 1_000) == Incident(
        IncidentKind.AD_OUTAGE, 601_000, 901_000
    )
    assert parse_incident("broken_checkout@0/1h", 0) == Incident(
        IncidentKind.BROKEN_CHECKOUT, 0, 3_600_000
    )


@pytest.mark.parametrize(
    "text",
    [
        "flood@1m/1m",  # BAD! no such kind
        "ad_outage",  # BAD! no times
        "ad_outage@1m",  # BAD! no duration
        "ad_outage@x/1m",  # BAD! not a duration
    ],
)
def test_bad_incidents_are_named(text: str) -> None:
    """A bad incident is a usage error that shows the text."""
    with pytest.raises(UsageError, match=text.split("@", maxsplit=1)[0]):
        parse_incident(text, 0)
