"""Dimension budgets: the first values keep their label, totals are exact."""

from __future__ import annotations

from processors import names
from processors.admission import Admission, clean

SCOPE, DIMENSIONS = "page_view|device", ("device",)


def test_the_first_values_are_admitted_and_the_rest_is_other() -> None:
    """With room for two, the third counts as other, then and later."""
    admission = Admission({SCOPE: 2}, {})
    labels = [admission.labels(SCOPE, DIMENSIONS, (v,)) for v in ("a", "b", "c", "a", "c")]
    assert [label[0] for label in labels] == ["a", "b", names.OTHER_VALUE, "a", names.OTHER_VALUE]


def test_what_was_admitted_survives_the_owner() -> None:
    """The next owner admits exactly what the checkpoints hold."""
    first = Admission({SCOPE: 2}, {})
    for value in ("a", "b", "c"):
        first.labels(SCOPE, DIMENSIONS, (value,))
    fresh = first.take_fresh()
    assert fresh == {SCOPE: ["a", "b"]}
    assert first.take_fresh() == {}
    second = Admission({SCOPE: 2}, fresh)
    assert second.labels(SCOPE, DIMENSIONS, ("b",)) == ("b",)
    assert second.labels(SCOPE, DIMENSIONS, ("c",)) == (names.OTHER_VALUE,)


def test_money_is_never_merged_across_currencies() -> None:
    """The rest of a money dimension keeps its currency."""
    scope = "purchase|product,currency"
    admission = Admission({scope: 1}, {scope: ["p\x1fEUR"]})
    labels = admission.labels(scope, ("product", "currency"), ("q", "GBP"))
    assert labels == (names.OTHER_VALUE, "GBP")


def test_absent_and_unusable_values_have_labels_of_their_own() -> None:
    """No value, control characters and oversize values cannot break a series."""
    assert clean(None) == clean("") == names.NONE_VALUE
    assert clean("a\x1fb") == clean("x" * 201) == names.INVALID_VALUE
    assert clean("größe 4") == "größe 4"
