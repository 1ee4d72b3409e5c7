"""Published clients, unmodified: what they publish changes the KPIs as it should.

One worker counts; each client works for a visitor, a campaign and a currency of its own.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import rudderstack.analytics
import segment.analytics
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer

from streams.collector.keys import Key
from streams.embedded.servers import Addresses
from streams.producer.partition import Partitioner
from streams.settings import load_settings
from streams.topics import create_topics
from tests.support.collecting import ROOT, Collector, make_keys
from tests.support.kafka_log import events, records
from tests.support.working import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.kafka_nodes import KafkaCluster

pytestmark = pytest.mark.servers
PAGE = "https://shop.example/shoes?utm_source={0}&utm_campaign={0}"


class Site(NamedTuple):
    """A worker, a collector and a key."""

    worker: Worker
    collector: Collector
    key: str


@pytest.fixture(scope="module")
def site(servers: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole way of an event, for all tests of this module."""
    directory = tmp_path_factory.mktemp("site")
    namespace = f"l{uuid.uuid4().hex[:12]}"
    create_topics(load_settings({"broker": servers.broker, "namespace": namespace}, {}, None))
    path = directory / "keys.json"
    (key,) = make_keys(path, Key("", "shop", ""))
    with (
        Worker(servers, namespace, directory) as worker,
        Collector(servers.broker, namespace, directory, keys=str(path)) as collector,
    ):
        yield Site(worker, collector, key)


def value(site: Site, kpi: str, by: str, wanted: str) -> Any:
    """Return a KPI's value for one dimension value, over the last hour."""
    rows = site.worker.query(kpi, "--window", "1h", "--by", by)
    return next((r["value"] for r in rows if r["dimensions"][by] == wanted), None)


def wait_for(site: Site, kpi: str, by: str, wanted: str, expected: object) -> None:
    """Wait until a KPI has a value."""
    deadline = time.monotonic() + 60
    while value(site, kpi, by, wanted) != expected:
        assert time.monotonic() < deadline, (kpi, value(site, kpi, by, wanted))
        time.sleep(0.3)


def shop(client: Any, name: str, currency: str) -> None:
    """Visit three pages, fill a cart, buy it, search, and sign up: in Segment's words."""
    for number in range(3):
        url = PAGE.format(name) if number == 0 else f"https://shop.example/{number}"
        client.page(anonymous_id=name, properties={"url": url, "referrer": ""})
    who = {"anonymous_id": name, "user_id": f"customer-{name}"}
    client.track(**who, event="Products Searched", properties={"query": "shoes"})
    client.track(
        **who,
        event="Product Added",
        properties={"product_id": "p1", "price": 25.5, "currency": currency},
    )
    client.track(
        **who,
        event="Order Completed",
        properties={
            "order_id": f"order-{name}", "revenue": 25.5, "currency": currency,
            "products": [{"product_id": "p1", "category": "shoes", "price": 25.5, "quantity": 1}],
        },
    )  # fmt: skip
    client.identify(user_id=f"customer-{name}", anonymous_id=name, traits={"email": "a@b.example"})
    client.flush()


@pytest.mark.parametrize(
    ("library", "currency"), [(segment.analytics, "USD"), (rudderstack.analytics, "GBP")]
)
def test_segment_and_rudderstack(site: Site, library: Any, currency: str) -> None:
    """Their libraries, pointed here: page views, a converted session, an order, its revenue."""
    name = library.__name__.partition(".")[0]
    errors: list[Exception] = []
    client = library.Client(
        site.key, host=site.collector.url, on_error=lambda error, _batch: errors.append(error)
    )
    shop(client, name, currency)
    assert errors == []
    wait_for(site, "revenue", "currency", currency, "25.50")
    assert value(site, "sessions", "source", name) == 1
    assert value(site, "conversion_rate", "source", name) == 1.0
    mine = [
        e for e in events(site.collector.broker, site.collector.namespace)
        if name in (e.get("visitor_id"), e.get("customer_id"), e.get("source"))
    ]  # fmt: skip
    assert sorted(e["type"] for e in mine) == sorted(
        ["page_view"] * 3 + ["add_to_cart", "purchase", "identify"]
    )
    assert "a@b.example" not in json.dumps(mine)


def test_a_wrong_key_is_reported(site: Site) -> None:
    """The library hears 401 and tells its user."""
    errors: list[Any] = []
    client = segment.analytics.Client(
        "kpi_wrong", host=site.collector.url, on_error=lambda error, _batch: errors.append(error)
    )
    client.track(user_id="u", event="x")
    client.flush()
    assert [(error.status, error.code) for error in errors] == [(401, "key")]


def test_cloudevents(site: Site) -> None:
    """The CloudEvents SDK, in binary mode."""
    cloud = CloudEvent(
        {"id": uuid.uuid4().hex, "source": "/s", "type": "page_view", "specversion": "1.0"},
        {"visitor_id": "cloud", "source": "cloud", "ts": time.time_ns() // 1_000_000},
    )
    message = to_binary_event(cloud)
    named = {name.replace("-", "_").lower(): text for name, text in message.headers.items()}
    answer = site.collector.post(
        "/v1/cloudevents",
        bytes(message.body),
        **named,
        authorization=f"Bearer {site.key}",
    )
    assert answer.status == 200, answer.body
    wait_for(site, "sessions", "source", "cloud", 1)


def test_librdkafka(site: Site) -> None:
    """A direct producer with murmur2_random: its visitors' events meet in one partition each."""
    namespace = site.collector.namespace
    out = Producer(
        {"bootstrap.servers": site.collector.broker, "partitioner": "murmur2_random", "acks": "all"}
    )
    now_ms = time.time_ns() // 1_000_000
    for number in range(60):
        visitor = f"direct-{number % 20}"
        event = {"event_id": f"d{number}", "type": "page_view", "ts": now_ms, "visitor_id": visitor,
                 "source": "librdkafka"}  # fmt: skip
        out.produce(f"{namespace}.tracking.visitor", json.dumps(event), visitor)
    assert out.flush(20) == 0
    wait_for(site, "sessions", "source", "librdkafka", 20)
    mine = [r for r in records(site.collector.broker, namespace) if r.key.startswith(b"direct-")]
    assert {r.partition for r in mine} == {0, 1, 2, 3}
    for record in mine:
        assert record.partition == Partitioner().partition(record.key, 4)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read(site: Site, codec: str) -> None:
    """However a direct producer compresses, the worker and the log's readers read it."""
    namespace = site.collector.namespace
    out = Producer(
        {
            "bootstrap.servers": site.collector.broker, "partitioner": "murmur2_random",
            "acks": "all", "compression.type": codec, "linger.ms": 100,
        }
    )  # fmt: skip
    now_ms = time.time_ns() // 1_000_000
    for number in range(40):
        visitor = f"{codec}-{number}"
        event = {"event_id": visitor, "type": "page_view", "ts": now_ms, "visitor_id": visitor,
                 "source": f"codec-{codec}"}  # fmt: skip
        out.produce(f"{namespace}.tracking.visitor", json.dumps(event), visitor)
    assert out.flush(20) == 0
    wait_for(site, "sessions", "source", f"codec-{codec}", 40)
    mine = [
        r for r in records(site.collector.broker, namespace) if r.key.startswith(codec.encode())
    ]
    assert len(mine) == 40


@pytest.mark.kafka
def test_kcat(apache_kafka: KafkaCluster, valkey: str, tmp_path: Path) -> None:
    """The command that docs/producers.md shows, unchanged: its events count, keys place them."""
    kcat = shutil.which("kcat")
    if kcat is None:
        pytest.skip("kcat is not there")
    servers = Addresses(apache_kafka.bootstrap, valkey)
    namespace = f"k{uuid.uuid4().hex[:12]}"
    create_topics(load_settings({"broker": servers.broker, "namespace": namespace}, {}, None))
    command = next(
        line for line in (ROOT / "docs/producers.md").read_text().splitlines() if "kcat -P" in line
    )
    arguments = command.replace('"$BROKER"', servers.broker)
    arguments = arguments.replace("tracking.visitor", f"{namespace}.tracking.visitor")
    now_ms = time.time_ns() // 1_000_000
    lines = []
    for number in range(60):
        visitor = f"v{number % 20}"
        event = {"event_id": f"k{number}", "type": "page_view", "ts": now_ms, "visitor_id": visitor,
                 "source": "kcat"}  # fmt: skip
        lines.append(f"{visitor}|{json.dumps(event)}")
    with Worker(servers, namespace, tmp_path) as worker:
        subprocess.run(
            [kcat, *shlex.split(arguments)[1:]], input="\n".join(lines).encode(), check=True,
            timeout=60,
        )  # fmt: skip
        worker.until("page_views", 60, "--window", "1h")
        rows = worker.query("sessions", "--window", "1h", "--by", "source")
        assert [(row["dimensions"], row["value"]) for row in rows] == [({"source": "kcat"}, 20)]
    for record in records(servers.broker, namespace):
        assert record.partition == Partitioner().partition(record.key, 4)
