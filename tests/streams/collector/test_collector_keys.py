"""Laws of write keys: stored as hashes, rotated, revoked, bound to origins, uses and rates."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from processors.errors import SettingsError, UsageError
from streams.collector.config import CollectorConfig
from streams.collector.keys import Key, KeyRing, read_ring, write_ring
from streams.collector.limits import TokenBucket
from streams.collector.run import check_listener
from tests.support.collecting import Collector, make_keys
from tests.support.kafka_log import create_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streams.embedded.servers import Addresses

NOW_MS = 1_750_000_000_000
DAY_MS = 86_400_000
SHOP = Key("", "shop", "")


def test_a_key_is_never_stored(tmp_path: Path) -> None:
    """The file holds hashes only, and only its owner may read it."""
    path = tmp_path / "keys.json"
    (text,) = make_keys(path, SHOP)
    assert text not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    found = read_ring(path).find(text, NOW_MS)
    assert found is not None
    assert (found.id, found.source) == ("shop-1", "shop")


def test_keys_are_long_and_all_different() -> None:
    """256 random bits each."""
    ring = KeyRing()
    texts = set()
    for _ in range(50):
        ring, text = ring.add(SHOP)
        texts.add(text)
    assert len(texts) == 50
    assert {len(text) for text in texts} == {47}
    assert [key.id for key in ring.keys][-1] == "shop-50"


def test_rotation_overlaps_and_ends() -> None:
    """Both keys open until the grace is over, then only the new one; settings are kept."""
    ring, old = KeyRing().add(Key("", "shop", "", origins=("https://shop.example",)))
    ring, new = ring.rotate("shop", NOW_MS, 7 * DAY_MS)
    assert ring.find(old, NOW_MS + 7 * DAY_MS - 1) is not None
    assert ring.find(old, NOW_MS + 7 * DAY_MS) is None
    fresh = ring.find(new, NOW_MS + 1_000 * DAY_MS)
    assert fresh is not None
    assert fresh.origins == ("https://shop.example",)
    again, _ = ring.rotate("shop", NOW_MS, 30 * DAY_MS)
    assert again.find(old, NOW_MS + 7 * DAY_MS) is None  # no rotation lengthens a key's life


def test_revocation_ends_one_key_at_once() -> None:
    """The others of the source stay."""
    ring, first = KeyRing().add(SHOP)
    ring, second = ring.add(SHOP)
    ring = ring.revoke("shop-1", NOW_MS)
    assert ring.find(first, NOW_MS) is None
    assert ring.find(second, NOW_MS) is not None


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda ring: ring.revoke("nobody-1", NOW_MS), "there is no key nobody-1"),
        (lambda ring: ring.rotate("nobody", NOW_MS, 0), "source nobody has no valid key"),
        (lambda ring: ring.add(SHOP, "short"), "a key of 5 characters could be guessed"),
    ],
)
def test_mistakes_are_named(act: Callable[[KeyRing], Any], message: str) -> None:
    """Each says what is wrong."""
    with pytest.raises(UsageError, match=message):
        act(KeyRing())


def test_a_damaged_file_is_not_an_empty_one(tmp_path: Path) -> None:
    """It is refused, so that nobody is locked out silently."""
    path = tmp_path / "keys.json"
    path.write_text('{"keys": [{"nobody": 1}]}')  # BAD!
    with pytest.raises(SettingsError, match="collector_keys"):
        read_ring(path)


def test_off_loopback_keys_are_required() -> None:
    """A network may not make up events."""
    check_listener(CollectorConfig(host="127.0.0.1"))
    check_listener(CollectorConfig(host="0.0.0.0", keys="keys.json"))  # noqa: S104
    for host in ("0.0.0.0", "::", "10.0.0.1"):  # noqa: S104
        with pytest.raises(SettingsError, match="anybody on the network could make up events"):
            check_listener(CollectorConfig(host=host))


def test_a_bucket_gives_its_rate_and_no_more() -> None:
    """A second's burst, then the rate; a batch above it is paid back, not refused for ever."""
    now = [0.0]
    bucket = TokenBucket(100, lambda: now[0])
    assert bucket.wait_s(60) == 0
    assert bucket.wait_s(60) == 0  # 20 in debt
    assert bucket.wait_s(1) == pytest.approx(0.21)
    now[0] += 0.21
    assert bucket.wait_s(1_000) == 0
    now[0] += 9.9
    assert bucket.wait_s(1) > 0
    now[0] += 0.11
    assert bucket.wait_s(1) == 0


@pytest.fixture(scope="module")
def keyed(
    servers: Addresses, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Collector, Path, dict[str, str]]]:
    """A collector with keys: (it, the key file, key by source)."""
    directory = tmp_path_factory.mktemp("keyed")
    path = directory / "keys.json"
    texts = make_keys(
        path,
        SHOP,
        Key("", "web", "", origins=("https://shop.example",)),
        Key("", "slow", "", events_per_s=10),
        Key("", "prometheus", "", scope="metrics"),
    )
    namespace = f"k{uuid.uuid4().hex[:12]}"
    create_topics(servers.broker, namespace)
    with Collector(servers.broker, namespace, directory, keys=str(path)) as running:
        yield running, path, dict(zip(("shop", "web", "slow", "prometheus"), texts, strict=True))


def body(events: int = 1) -> list[dict[str, Any]]:
    """Return valid events."""
    ts = time.time_ns() // 1_000_000
    return [
        {"event_id": uuid.uuid4().hex, "type": "page_view", "ts": ts, "visitor_id": "v"}
        for _ in range(events)
    ]


def basic(key: str) -> str:
    """Return a Basic header, the key as the user, as Segment's libraries send it."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


@pytest.mark.servers
@pytest.mark.parametrize("way", ["basic", "bearer", "query"])
def test_a_key_opens_in_every_way(keyed: tuple[Collector, Path, dict[str, str]], way: str) -> None:
    """As the user of Basic, as a bearer token, or in the address for what sends no headers."""
    collector, _, keys = keyed
    if way == "query":
        answer = collector.post(f"/v1/events?key={keys['shop']}", body())
    else:
        header = basic(keys["shop"]) if way == "basic" else f"Bearer {keys['shop']}"
        answer = collector.post("/v1/events", body(), authorization=header)
    assert answer.status == 200


@pytest.mark.servers
@pytest.mark.parametrize(
    "header", ["", "Basic !!!", "Basic ", basic("kpi_wrong"), "Bearer x", "Digest y", basic("é")]
)
def test_without_a_valid_key_nothing_opens(
    keyed: tuple[Collector, Path, dict[str, str]], header: str
) -> None:
    """401 with a challenge, for events and for metrics."""
    collector, _, _ = keyed
    for answer in (
        collector.post("/v1/events", body(), authorization=header),
        collector.post("/v1/track", {"userId": "u", "event": "x"}, authorization=header),
        collector.get("/metrics", authorization=header),
    ):
        assert (answer.status, answer.json["code"]) == (401, "key")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert collector.get("/healthz").status == 200


@pytest.mark.servers
def test_a_key_is_for_one_use(keyed: tuple[Collector, Path, dict[str, str]]) -> None:
    """Who may write may not read, who may read may not write."""
    collector, _, keys = keyed
    write, read = f"Bearer {keys['shop']}", f"Bearer {keys['prometheus']}"
    assert collector.get("/metrics", authorization=write).status == 403
    assert collector.post("/v1/events", body(), authorization=read).status == 403
    page = collector.get("/metrics", authorization=read)
    assert page.status == 200
    assert not any(key.encode() in page.body for key in keys.values())


@pytest.mark.servers
def test_browsers_need_an_allowed_origin(keyed: tuple[Collector, Path, dict[str, str]]) -> None:
    """A key works from its own origins; the preflight allows what any key allows."""
    collector, _, keys = keyed
    ours, foreign = "https://shop.example", "https://shop.example.evil"
    web = f"Bearer {keys['web']}"
    allowed = collector.post("/v1/events", body(), authorization=web, origin=ours)
    assert allowed.status == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == ours
    assert allowed.headers["Vary"] == "Origin"
    assert collector.post("/v1/events", body(), authorization=web, origin=foreign).status == 403
    shop = f"Bearer {keys['shop']}"
    assert collector.post("/v1/events", body(), authorization=shop, origin=ours).status == 403
    preflight = collector.request("OPTIONS", "/v1/events", None, {"origin": ours})
    assert preflight.status == 204
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert collector.request("OPTIONS", "/v1/events", None, {"origin": foreign}).status == 403


@pytest.mark.servers
def test_a_key_has_a_rate(keyed: tuple[Collector, Path, dict[str, str]]) -> None:
    """429 with Retry-After, for that key alone."""
    collector, _, keys = keyed
    slow = f"Bearer {keys['slow']}"
    assert collector.post("/v1/events", body(30), authorization=slow).status == 200
    answer = collector.post("/v1/events", body(), authorization=slow)
    assert (answer.status, answer.json["code"]) == (429, "rate")
    assert 1 <= int(answer.headers["Retry-After"]) <= 3
    shop = f"Bearer {keys['shop']}"
    assert collector.post("/v1/events", body(), authorization=shop).status == 200


@pytest.mark.servers
def test_changes_of_the_key_file_take_effect(
    keyed: tuple[Collector, Path, dict[str, str]], eventually: Callable[..., None]
) -> None:
    """A revoked key stops working, an added one starts, without a restart."""
    collector, path, _ = keyed
    ring, text = read_ring(path).add(Key("", "brief", ""))
    write_ring(path, ring)

    def status() -> int:
        return collector.post("/v1/events", body(), authorization=f"Bearer {text}").status

    eventually(lambda: status() == 200)
    write_ring(path, ring.revoke("brief-1", 1))
    eventually(lambda: status() == 401)
    damaged = path.read_text()
    path.write_text("{")  # BAD! the keys read before stay in force
    eventually(lambda: status() == 401 and "stay in force" in collector.log)
    path.write_text(damaged)


@pytest.mark.servers
def test_keys_never_reach_the_log(keyed: tuple[Collector, Path, dict[str, str]]) -> None:
    """Nothing of any key, whole or hashed, is written down."""
    collector, path, keys = keyed
    hashes = [record["sha256"] for record in json.loads(path.read_text())["keys"]]
    assert not [text for text in (*keys.values(), *hashes) if text in collector.log]
