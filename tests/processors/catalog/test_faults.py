"""Faults of a catalogue: all of them, each where it stands, saying what it would lead to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from processors.catalog.load import check_catalog, load_catalog
from processors.errors import CatalogError, InvalidCatalogError
from tests.processors.catalog.presets import sources

_MARK = re.compile(r"# BAD! (?P<field>[^:]+): (?P<words>.*)")
_TEXT = Path(__file__).with_name("bad.yaml").read_text("utf-8")
DOCUMENTS = _TEXT.split("\n---\n")[1:]


def marked(text: str) -> list[tuple[int, str, str]]:
    """Return (line, field, words) of every mark."""
    return [
        (number, found["field"], found["words"])
        for number, line in enumerate(text.splitlines(), 1)
        if (found := _MARK.search(line))
    ]


@pytest.mark.parametrize("text", DOCUMENTS, ids=lambda text: marked(text)[0][2].replace(" ", "-"))
def test_every_fault_is_reported_once_and_where_it_stands(text: str) -> None:
    """The faults found are the faults marked: same lines, same fields, and the words."""
    found = check_catalog([("bad.yaml", text)])
    expected = marked(text)
    where = [(e.line, e.field) for e in found]
    if expected[0][1] == "YAML":  # the parser notices an open bracket only where the text ends
        assert [e.field for e in found] == ["YAML"]
    else:
        assert where == [(line, field) for line, field, _ in expected], [str(e) for e in found]
    for error, (_, _, words) in zip(found, expected, strict=True):
        assert words in str(error)
        assert str(error).startswith("bad.yaml:")


def test_all_faults_of_all_files_are_reported() -> None:
    """A reader sees every fault at once, file by file."""
    mine = [("b.yaml", DOCUMENTS[1]), ("a.yaml", "defaults:\n  cart_timout: 5m\n  sesion_gap: 1m")]
    found = check_catalog([*sources(), *mine])
    assert [(error.file, error.line) for error in found] == [
        ("b.yaml", 3),
        ("a.yaml", 2),
        ("a.yaml", 3),
    ]


def test_a_faulty_catalogue_is_not_loaded() -> None:
    """Loading raises one error that holds, and prints, all faults."""
    with pytest.raises(InvalidCatalogError) as caught:
        load_catalog([("a.yaml", DOCUMENTS[0]), ("b.yaml", DOCUMENTS[2])])
    assert [error.file for error in caught.value.errors] == ["a.yaml", "b.yaml"]
    assert len(str(caught.value).splitlines()) == 2
    assert isinstance(caught.value, CatalogError)
    assert caught.value.exit_code == 2


def test_an_alias_that_holds_itself_is_a_fault() -> None:
    """No YAML makes the loader run forever."""
    found = check_catalog([("loop.yaml", "measures: &all\n  a: *all\n")])
    assert found
    assert "nesting" in {error.field for error in found}
