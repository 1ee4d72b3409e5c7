"""The register of measures: what a catalogue changes in it, and what is read out of it."""

from dataclasses import replace

from processors.catalog.load import load_catalog
from processors.catalog.model import Catalog
from processors.catalog.restrict import restrict
from processors.catalog.versions import adopt, fingerprint, look
from streams.catalog_files import preset_sources

CATALOG = load_catalog(preset_sources())
TEN = restrict(CATALOG, ["sessions", "page_views", "cart_abandonment_rate"])


def with_gap(gap_ms: int) -> Catalog:
    """Return the small catalogue with another session gap."""
    return replace(TEN, defaults=replace(TEN.defaults, session_gap_ms=gap_ms))


def test_a_fresh_namespace_keeps_everything_from_the_beginning() -> None:
    """Plain names, no generations; adopting again changes nothing."""
    register = adopt({}, CATALOG)
    kept = look(register, CATALOG)
    assert (kept.stored, kept.generations, kept.versioned) == ({}, {}, frozenset())
    assert adopt(register, CATALOG) == {}


def test_a_default_makes_new_versions_of_what_it_shapes_and_of_nothing_else() -> None:
    """Another session gap changes sessions, not carts and not page views."""
    register = adopt({}, TEN)
    kept = look(register | adopt(register, with_gap(60_000)), with_gap(60_000))
    assert set(kept.stored) == {"sessions_started"}
    assert kept.stored["sessions_started"] == "sessions_started@2"


def test_going_back_to_a_definition_goes_back_to_its_cells_with_a_gap() -> None:
    """The first version is the first again, and known to have missed what came between."""
    register = adopt({}, TEN)
    register |= adopt(register, with_gap(60_000))
    register |= adopt(register, TEN)
    kept = look(register, TEN)
    assert kept.name("sessions_started") == "sessions_started"
    assert {item.partition("|")[0] for item in kept.generations} == {"sessions_started"}
    assert set(kept.generations.values()) == {1}


def test_what_no_worker_took_up_is_never_complete() -> None:
    """A reader that is ahead of the workers finds no cells, and no time since when there are."""
    register = adopt({}, TEN)
    kept = look(register, with_gap(60_000))
    assert kept.name("sessions_started") == "sessions_started@2"
    assert set(kept.generations.values()) == {-1}


def test_names_and_order_do_not_make_a_version() -> None:
    """The fingerprint is of what is counted, not of how it is called."""
    measure = CATALOG.measures["page_views"]
    assert fingerprint(measure, CATALOG) == fingerprint(replace(measure, name="x"), CATALOG)
    assert fingerprint(measure, CATALOG) != fingerprint(
        replace(measure, where=(("device", ("phone",)),)), CATALOG
    )
