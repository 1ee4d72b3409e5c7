"""What sets two catalogues apart, and what follows of it."""

import pytest

from processors.catalog.difference import Effect, changes_figures, differences
from processors.catalog.load import load_catalog
from streams.catalog_files import preset_sources

BEFORE = load_catalog(preset_sources())


def effects(own: str) -> dict[str, Effect]:
    """Return KPI -> effect of putting a document over the presets."""
    after = load_catalog([*preset_sources(), ("own.yaml", own)])
    return {one.kpi: one.effect for one in differences(BEFORE, after)}


def test_the_same_catalogue_differs_in_nothing() -> None:
    """No KPI is named where nothing changed."""
    assert differences(BEFORE, load_catalog(preset_sources())) == []


@pytest.mark.parametrize(
    ("own", "kpi", "effect"),
    [
        ("metrics: {page_views: {label: Views}}", "page_views", Effect.WORDS),
        ("metrics: {page_views: {target: 5}}", "page_views", Effect.RULES),
        ("metrics: {page_views: {windows: [1m, 2m, 5m, 15m, 1h]}}", "page_views", Effect.WIDENED),
        ("metrics: {page_views: {enabled: false}}", "page_views", Effect.REMOVED),
        ("metrics: {gross_profit: {numerator: revenue - 2 * cost_of_goods_sold}}", "gross_profit",
         Effect.REEVALUATED),
        ("measures: {page_views: {where: {device: [phone]}}}", "page_views", Effect.RECOUNTED),
        ("defaults: {cart_timeout: 10m}", "cart_abandonment_rate", Effect.RECOUNTED),
    ],
)  # fmt: skip
def test_what_follows_of_a_change(own: str, kpi: str, effect: Effect) -> None:
    """Words, rules, evaluation and counting are told apart."""
    found = effects(own)
    assert found[kpi] is effect


def test_a_default_touches_only_what_it_shapes() -> None:
    """Another cart timeout changes carts, not sessions."""
    found = effects("defaults: {cart_timeout: 10m}")
    assert set(found) == {"cart_abandonment_rate", "abandoned_cart_value"}
    assert all(
        changes_figures(one)
        for one in differences(
            BEFORE, load_catalog([*preset_sources(), ("o.yaml", "defaults: {cart_timeout: 10m}")])
        )
    )
