"""Laws of docs/producers.md: what it lists is all that there is."""

from __future__ import annotations

import re

from processors.decode import REASONS
from streams.collector.app import SEGMENT_CALLS
from tests.support.collecting import ROOT

TEXT = (ROOT / "docs/producers.md").read_text()
SCRIPT = (ROOT / "streams/collector/t.js").read_text()


def test_every_rule_and_route_is_documented() -> None:
    """A reader of the page knows every answer they can get."""
    words = set(re.findall(r"[a-z_.]+", TEXT))
    assert set(REASONS) <= words
    assert set(SEGMENT_CALLS.split("|")) <= words
    assert all(
        path in TEXT
        for path in ("/v1/events", "/v1/cloudevents", "/v1/beacon", "/t.js", "/metrics", "/readyz")
    )


def test_every_attribute_of_the_script_is_documented() -> None:
    """And the script is as small as the page says."""
    used = set(re.findall(r"\bdata\.([a-zA-Z]+)", SCRIPT))
    for name in used:
        assert "data-" + re.sub(r"[A-Z]", lambda m: "-" + m[0].lower(), name) in TEXT
    size = re.search(r"([\d.]+) KB, [\d.]+ KB compressed", TEXT)
    assert size is not None
    assert len(SCRIPT.encode()) <= float(size[1]) * 1_024
