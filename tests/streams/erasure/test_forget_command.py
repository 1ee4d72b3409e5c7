"""``kpi forget`` against a real broker, Redis and worker: nothing of the person stays in Redis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import redis

from processors.control import IDENTITIES
from processors.state import state_id
from streams.collector.identity import IdentityHasher
from tests.support.kpi import Site
from tests.support.working import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.embedded.servers import Addresses

WHO = dict(zip(IDENTITIES, ("vera-visitor", "carl-customer", "rita@example.com"), strict=True))
FLAGS = ("--visitor", WHO["visitor_id"], "--customer", WHO["customer_id"],
         "--recipient", WHO["recipient_id"])  # fmt: skip
LISTS = 3


@pytest.fixture
def site(servers: Addresses, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A namespace whose time stands still between events, and few states fit into memory."""
    site = Site(
        servers, monkeypatch, partitions=3, tick_interval_ms=0, checkpoint_interval_ms=100,
        state_cache_max=4,
    )  # fmt: skip
    yield site
    site.close()


def events(who: dict[str, str], prefix: str) -> list[dict[str, Any]]:
    """Return what one person does: as a visitor, as a customer and as a recipient."""
    now_ms = time.time_ns() // 1_000_000
    visitor = {"visitor_id": who["visitor_id"]}
    mail = {"recipient_id": who["recipient_id"], "campaign": "spring"}
    buy = {"order_id": f"{prefix}-o", "value": "5.00", "currency": "EUR"}
    made: list[dict[str, Any]] = [
        {"type": "page_view", **visitor, "campaign": "spring", "source": "mail"},
        {"type": "ad_click", **visitor, "campaign": "spring"},
        {"type": "identify", **visitor, "customer_id": who["customer_id"]},
        {"type": "add_to_cart", **visitor, "value": "5.00", "currency": "EUR"},
        {"type": "purchase", **visitor, "customer_id": who["customer_id"], **buy},
        {"type": "purchase", "customer_id": who["customer_id"], **buy, "order_id": f"{prefix}-p"},
        {"type": "email_sent", **mail},
        {"type": "email_sent", **mail, **visitor},  # in the visitor's state, under another key
        {"type": "email_opened", **mail, "visitor_id": f"{prefix}-friend"},
        *({"type": "subscribed", **mail, "list": f"l{n}"} for n in range(LISTS)),
    ]
    return [
        {"event_id": f"{prefix}-{n}", "ts": now_ms + n, **event} for n, event in enumerate(made)
    ]


def everything(url: str, namespace: str) -> dict[bytes, Any]:
    """Return every key of a namespace with its whole value."""
    found: dict[bytes, Any] = {}
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(f"kpi:{namespace}:*", count=1_000):
            match client.type(key):
                case b"hash":
                    found[key] = client.hgetall(key)
                case b"zset":
                    found[key] = client.zrange(key, 0, -1, withscores=True)
                case b"stream":
                    found[key] = client.xrange(key)
                case b"string":
                    found[key] = client.get(key)
                case other:
                    raise AssertionError(other)
    return found


def traces(stored: dict[bytes, Any], *identities: str) -> list[bytes]:
    """Return the keys that hold an identity or a state id of it, in name or value."""
    marks = [m for who in identities for m in (who.encode(), state_id(who))]
    # Membership states are keyed by recipient and list.
    marks += [state_id(f"{who}\x1fl{n}") for who in identities for n in range(LISTS)]

    def holds(value: Any) -> bool:
        if isinstance(value, bytes):
            return any(mark in value for mark in marks)
        if isinstance(value, dict):
            return any(holds(part) for pair in value.items() for part in pair)
        return isinstance(value, list | tuple) and any(map(holds, value))

    return [key for key, value in stored.items() if holds(key) or holds(value)]


def panes(stored: dict[bytes, Any]) -> dict[bytes, Any]:
    """Return all aggregates."""
    found = {k: v for k, v in stored.items() if b":pane:" in k or b":sketch:" in k}
    assert found
    return found


def test_nothing_of_the_person_is_left_and_figures_stay(
    site: Site, servers: Addresses, tmp_path: Path
) -> None:
    """Neither the identities nor their state ids are in any key or value; others' states stay."""
    others = {kind: f"other-{kind}" for kind in IDENTITIES}
    strangers = [
        event
        for n in range(20)
        for event in events({k: f"{v}-{n}" for k, v in others.items()}, f"s{n}")
    ]
    with Worker(servers, site.namespace, tmp_path) as worker:
        site.publish([*events(WHO, "p"), *strangers, *events(others, "o")])
        worker.until("revenue", "220.00", "--window", "1h")
        worker.until("new_customers", 22, "--window", "1d")
        before = everything(servers.redis_url, site.namespace)
        assert traces(before, *WHO.values()), "the person is known"
        # Reads in between would only see what the tables hold: they do not change them.
        code, answer = site.kpi("forget", *FLAGS)
        assert code == 0, worker.log_path.read_text()
        assert answer["missing"] == []
        assert answer["removed"] == {
            "attribution": 1, "cart": 1, "customer": 1, "email": 4, "identity": 1,
            "membership": LISTS, "session": 1,
        }  # fmt: skip
        after = everything(servers.redis_url, site.namespace)
        assert traces(after, *WHO.values()) == []
        assert panes(after) == panes(before)
        assert traces(after, *others.values()), "others stay"
        gone = {k: len(v) for k, v in before.items() if b":state:" in k}
        kept = {k: len(after.get(k, ())) for k in gone}
        assert sum(gone.values()) - sum(kept.values()) == sum(answer["removed"].values())
        code, answer = site.kpi("forget", *FLAGS)
        assert (code, answer["removed"]) == (0, {}), "there is nothing left to forget"
    log = worker.log_path.read_text()
    assert "forgotten, states removed" in log
    assert not any(who in log for who in WHO.values())


def test_without_a_worker_it_waits_and_says_so(
    site: Site, servers: Addresses, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The request stays in the log, and is done when a worker reads it."""
    site.publish(events(WHO, "p"))
    code, answer = site.kpi("forget", "--visitor", WHO["visitor_id"], "--wait", "1s")
    assert code == 3
    assert len(answer["missing"]) == 6, "any customer may be linked to the visitor"
    assert "stays in the log" in capsys.readouterr().err
    with Worker(servers, site.namespace, tmp_path):
        # Behind the first request in every partition: once these are done, so is that.
        assert site.kpi("forget", "--visitor", WHO["visitor_id"])[0] == 0
        assert site.kpi("forget", "--customer", WHO["customer_id"])[0] == 0
        stored = everything(servers.redis_url, site.namespace)
        assert traces(stored, WHO["visitor_id"], WHO["customer_id"]) == []


def test_a_hashed_identity_is_forgotten_by_its_name(
    site: Site, servers: Addresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the collector hashes identities, a person is asked for by the name they have."""
    secret = "s" * 32
    hashed = IdentityHasher(secret).hash("vera")
    view = {"event_id": "1", "type": "page_view", "ts": time.time_ns() // 1_000_000}
    site.publish([view | {"visitor_id": hashed}])
    monkeypatch.setenv("KPI_COLLECTOR_IDENTITY_KEY", secret)
    with Worker(servers, site.namespace, tmp_path) as worker:
        worker.until("page_views", 1, "--window", "1h")
        assert site.kpi("forget", "--visitor", "vera", "--plain")[1]["removed"] == {}
        assert site.kpi("forget", "--visitor", "vera")[1]["removed"] == {"session": 1}
        assert traces(everything(servers.redis_url, site.namespace), hashed) == []


def test_somebody_must_be_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is forgotten by accident."""
    assert site.kpi("forget")[0] == 2
    assert "--visitor" in capsys.readouterr().err
