"""What docs/catalogue.md says is what the loader reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from processors.catalog import entries
from processors.catalog.load import load_catalog
from processors.facts import FACT_BY_TYPE
from processors.golden import check_case, make_case
from processors.histogram import ABSOLUTE_ERROR_MS_MAX, RELATIVE_ERROR_MAX
from processors.names import UNIT_SUFFIX
from processors.sketch import RELATIVE_STANDARD_ERROR, SKETCH_SIZE
from tests.processors.catalog.presets import presets, sources

ROOT = Path(__file__).parents[3]
TEXT = ROOT.joinpath("docs/catalogue.md").read_text("utf-8")
EXAMPLE = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)[0]


@pytest.mark.parametrize(
    "word",
    [
        *entries.MEASURE,
        *entries.METRIC,
        *entries.ALERT,
        *entries.DEFAULTS,
        *entries.SEVERITIES,
        *entries.DIRECTIONS,
        *entries.HISTOGRAM_STATS,
        *FACT_BY_TYPE,
        *UNIT_SUFFIX,
    ],
)
def test_every_word_of_the_language_is_explained(word: str) -> None:
    """A field, unit or fact that can be written is in the document."""
    assert f"`{word}`" in TEXT


def test_the_example_is_a_catalogue() -> None:
    """The example loads over the presets and does what its comments say."""
    catalog = load_catalog([*sources(), ("example.yaml", EXAMPLE)])
    assert catalog.metrics["solution_time"].stats == ("mean", "p90")
    assert catalog.metrics["conversion_rate"].target == "0.05"
    assert catalog.metrics["conversion_rate"].alerts == ()
    assert set(presets().metrics) <= set(catalog.metrics)


def test_the_stated_errors_are_those_of_the_code() -> None:
    """Numbers in the document are the constants."""
    assert f"{RELATIVE_ERROR_MAX:.0%}".replace("%", " %") in TEXT
    assert f"{ABSOLUTE_ERROR_MS_MAX} ms" in TEXT
    assert f"{SKETCH_SIZE:,}" in TEXT
    assert f"{RELATIVE_STANDARD_ERROR:.1%}".replace("%", " %") in TEXT


def test_the_golden_case_shown_holds() -> None:
    """The case worked out for the KPI shown is what it comes to."""
    catalog = load_catalog([*sources(), ("example.yaml", EXAMPLE)])
    (shown,) = re.findall(r"^```yaml\n(story: .*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert check_case(catalog, make_case("phone_solution_share", yaml.safe_load(shown))) == []


def test_the_override_shown_gives_the_kpis_to_whoever_reads_them() -> None:
    """It names every service of docker-compose.yml that is kpi's; topics need no catalogue."""
    pattern = r"^```yaml\n(# docker-compose.override.*?)^```"
    (shown,) = re.findall(pattern, TEXT, re.MULTILINE | re.DOTALL)
    composed = ROOT.joinpath("docker-compose.yml").read_text("utf-8")
    services = yaml.safe_load(composed)["services"]
    ours = {name for name, one in services.items() if one.get("image") == "kpi-streams:local"}
    assert set(yaml.safe_load(shown)["services"]) == ours - {"topics"}
