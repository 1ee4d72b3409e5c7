"""``kpi dead-letters`` against a real broker, Redis and worker: a retry counts once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from processors.control import Retry, encode_control
from processors.names import SUPPORT, VISITOR
from tests.support.kpi import Site
from tests.support.working import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.embedded.servers import Addresses

HORIZON = 20


@pytest.fixture
def site(servers: Addresses, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A namespace with one partition a topic, and a short memory for duplicates."""
    site = Site(
        servers, monkeypatch, partitions=1, dedup_horizon=HORIZON, tick_interval_ms=0,
        checkpoint_interval_ms=100,
    )  # fmt: skip
    yield site
    site.close()


def purchase(number: int, **changes: Any) -> dict[str, Any]:
    """Return a purchase of 10 EUR, changed; ``...`` takes a field away."""
    event = {
        "event_id": f"e{number}", "type": "purchase", "ts": time.time_ns() // 1_000_000,
        "visitor_id": "v", "order_id": f"o{number}", "value": "10.00", "currency": "EUR",
    } | changes  # fmt: skip
    return {name: value for name, value in event.items() if value is not ...}


def listed(site: Site, *arguments: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Return (reason, field) -> (records, counted since)."""
    code, groups = site.kpi("dead-letters", "list", *arguments)
    assert code == 0
    return {(g["reason"], g["field"]): (g["records"], g["counted_since"]) for g in groups}


def revenue(worker: Worker) -> list[Any]:
    """Return the day's revenue."""
    return [row["value"] for row in worker.query("revenue", "--window", "1h")]


def test_letters_are_grouped_shown_and_retried_once(
    site: Site, servers: Addresses, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    """What was wrong counts after its fix, once: retried twice, by two at once, after a crash."""
    missing = [purchase(n, currency=...) for n in range(3)]  # BAD!
    misspelt = [purchase(10, visitor_id=..., visitorId="w")]  # BAD!
    items = [purchase(20 + n, items=[{}, {"price": -n - 1}]) for n in range(2)]  # BAD!
    site.publish([purchase(99), *missing, *misspelt, *items])
    site.send(VISITOR, b"\xff\xfe")  # BAD!
    site.send(VISITOR, b'{"event_id": "big", "x": "' + b"x" * 70_000 + b'"}')  # BAD!
    with Worker(servers, site.namespace, tmp_path) as worker:
        eventually(lambda: sum(n for n, _ in listed(site).values()) == 8, 60, "eight letters")
        worker.until("revenue", "10.00", "--window", "1h")
        assert listed(site) == {
            ("missing_field", "currency"): (3, 0),
            ("missing_identity", "visitor_id"): (1, 0),
            ("invalid_amount", "items[].price"): (2, 0),
            ("invalid_json", ""): (1, 0),
            ("too_large", ""): (1, 0),
        }
        assert listed(site, "--reason", "missing_field", "--topic", VISITOR) == {
            ("missing_field", "currency"): (3, 0)
        }
        assert listed(site, "--topic", SUPPORT) == {}
        _, letters = site.kpi("dead-letters", "show", "--field", "currency")
        assert [json.loads(letter["record"])["event_id"] for letter in letters] == [
            "e0",
            "e1",
            "e2",
        ]
        sources = [letter["source"] for letter in letters]

        # Without a fix nothing is published; a dry run publishes nothing either.
        code, answer = site.kpi("dead-letters", "retry", "--field", "currency")
        assert (code, answer["outcomes"]) == (1, {"still invalid": 3})
        fix = ("--field", "currency", "--set", "currency=EUR")
        code, answer = site.kpi("dead-letters", "retry", *fix, "--dry-run")
        assert (code, answer["outcomes"]) == (0, {"ready": 3})

        # Two people at once, one of whom fixes it otherwise.
        command = [sys.executable, "-m", "streams.cli.main", "dead-letters", "retry", *fix[:3]]
        both = [
            subprocess.Popen([*command, f"currency={currency}"], stdout=subprocess.DEVNULL)
            for currency in ("EUR", "EUR")
        ]
        assert [process.wait(60) for process in both] == [0, 0]
        worker.until("revenue", "40.00", "--window", "1h")
        assert listed(site)["missing_field", "currency"] == (3, 3)
        code, answer = site.kpi("dead-letters", "retry", *fix)
        assert (code, answer["records"]) == (0, []), "nothing is left to retry"
        code, answer = site.kpi("dead-letters", "retry", *sources, *fix[2:])
        assert (code, answer["outcomes"]) == (0, {"counted before": 3})

        # A process that published and died: its record comes twice, far beyond dedup's horizon.
        site.publish(purchase(1000 + n, type="page_view") for n in range(3 * HORIZON))
        again = json.dumps(missing[0] | {"currency": "EUR"})
        site.send(VISITOR, encode_control(Retry(sources[0], again)))
        worker.until("page_views", 3 * HORIZON, "--window", "1h")
        site.publish([purchase(2000)])
        worker.until("revenue", "50.00", "--window", "1h")

        code, answer = site.kpi(
            "dead-letters", "retry", "--reason", "missing_identity", "--rename",
            "visitorId=visitor_id",
        )  # fmt: skip
        assert (code, answer["outcomes"]) == (0, {"counted": 1})
        code, answer = site.kpi("dead-letters", "retry", "--all", "--drop", "items")
        assert code == 1, "two can not be retried at all"
        assert answer["outcomes"] == {"counted": 2, "cannot be retried": 2}
        worker.until("revenue", "80.00", "--window", "1h")
        _, letters = site.kpi("dead-letters", "show", "--limit", "2", "--reason", "too_large")
        assert letters[0]["obstacle"].startswith("too long")


def test_a_retry_that_fails_again_keeps_its_identity(
    site: Site, servers: Addresses, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    """The letter of a failed retry replaces the first, and counts once when it is right at last."""
    wrong = purchase(1, currency=..., value=-1)  # BAD! in two ways
    site.publish([wrong])
    with Worker(servers, site.namespace, tmp_path) as worker:
        eventually(lambda: len(listed(site)) == 1, 60, "one letter")
        _, [letter] = site.kpi("dead-letters", "show")
        source = letter["source"]
        # As an installation of another version would: it takes what this worker does not.
        site.send(VISITOR, encode_control(Retry(source, json.dumps(wrong | {"currency": "EUR"}))))
        eventually(
            lambda: ("invalid_amount", "value") in listed(site), 60, "the letter is replaced"
        )
        assert listed(site) == {("invalid_amount", "value"): (1, 0)}
        _, [letter] = site.kpi("dead-letters", "show")
        assert (letter["source"], letter["retried"]) == (source, None)
        fix = ("--set", "value=7.50")
        code, answer = site.kpi("dead-letters", "retry", source, *fix)
        assert (code, answer["outcomes"]) == (0, {"counted": 1})
        worker.until("revenue", "7.50", "--window", "1h")
        code, answer = site.kpi("dead-letters", "retry", source, *fix)
        assert (code, answer["outcomes"]) == (0, {"counted before": 1})


def test_what_is_retried_elsewhere_is_refused(
    servers: Addresses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    eventually: Callable[..., None],
) -> None:  # fmt: skip
    """A second fix must not move the record to another partition, with another ledger."""
    site = Site(servers, monkeypatch, partitions=8, tick_interval_ms=0)
    site.send(VISITOR, json.dumps(purchase(1, visitor_id=...)).encode())  # BAD!
    with Worker(servers, site.namespace, tmp_path):
        eventually(lambda: len(listed(site)) == 1, 60, "one letter")
    _, [letter] = site.kpi("dead-letters", "show")
    retry = ("dead-letters", "retry", letter["source"], "--wait", "0", "--set")
    code, answer = site.kpi(*retry, "visitor_id=a")
    assert (code, answer["outcomes"]) == (0, {"published, not read yet": 1})
    code, answer = site.kpi(*retry, "visitor_id=c")
    assert (code, answer["outcomes"]) == (1, {"retried elsewhere": 1})
    code, answer = site.kpi(*retry, "visitor_id=a")
    assert answer["outcomes"] == {"published, not read yet": 1}
    with Worker(servers, site.namespace, tmp_path) as worker:
        worker.until("revenue", "10.00", "--window", "1h")
        code, answer = site.kpi("dead-letters", "retry", letter["source"])
        assert (code, answer["outcomes"]) == (0, {"counted before": 1})
    site.close()


def test_retry_needs_a_choice(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is retried by accident; what is no source is named."""
    assert site.kpi("dead-letters", "retry")[0] == 2
    assert "--all" in capsys.readouterr().err
    assert site.kpi("dead-letters", "show", "17")[0] == 2
    assert "'17'" in capsys.readouterr().err
    assert site.kpi("dead-letters", "retry", "--all", "--set", "currency")[0] == 2
    assert site.kpi("dead-letters", "list") == (0, [])
