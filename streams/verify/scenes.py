"""Scenes of the simulated log: what one visit, message, ticket, lead or report brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    Event = dict[str, Any]  # ``ts`` and everything but the id
    Scene = Callable[["Cast", Random, int], Iterator[Event]]

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

ORIGINS: Final = (
    ("google", "organic", None),
    ("google", "cpc", "brand"),
    ("google", "cpc", "shoes"),
    ("meta", "social", "club"),
    ("meta", "social", None),
    ("pin", "social-media", None),
    ("letter", "email", "autumn"),
    (None, None, None),
)
NETWORK_BY_CAMPAIGN: Final = {
    "brand": "google",
    "shoes": "google",
    "club": "meta",
    "autumn": "mail",
}
CHANNEL_BY_CAMPAIGN: Final = {"brand": "web", "shoes": "web", "club": "app", "autumn": "store"}
DIRECTION_BY_CAMPAIGN: Final = {"brand": "inbound", "shoes": "outbound", "autumn": "outbound"}
CAMPAIGNS: Final = tuple(NETWORK_BY_CAMPAIGN)
PAGES: Final = ("/", "/shoes", "/new", "/sale", "/guides")
DEVICES: Final = ("mobile", "mobile", "desktop", "tablet")
PLACES: Final = (("DE", "dach", "EUR"), ("FR", "west", "EUR"), ("GB", "isles", "GBP"))
CHANNELS: Final = ("web", "app", "store")
GROUPS: Final = ("treatment", "holdout", "treatment", None)
LISTS: Final = ("news", "deals")
FORMS: Final = ("popup", "footer")
AMOUNTS: Final = (1, 19.9, "7.25", "0.000001", 120, 0)


class Cast:
    """Who and what there is; numbers go on, so that identities are new, and old ones come back.

    Args:
        visitors: how many different people there are.
        products: how many products; beyond the budget of labels the rest is other.

    Attributes:
        abroad: whether there are other currencies than EUR yet: what customers are worth to date is
            only told while there is one.
    """

    def __init__(self, visitors: int, products: int) -> None:
        self.visitors, self.products = visitors, products
        self.abroad = False
        self._numbers: dict[str, int] = {}

    def new(self, kind: str) -> str:
        """Return a new identity."""
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{kind}{number}"

    def again(self, kind: str, random: Random) -> str:
        """Return one of the latest few identities, or a new one where there is none."""
        number = self._numbers.get(kind, 0)
        if not number:
            return self.new(kind)
        return f"{kind}{max(1, number - random.randrange(40))}"


def visit(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """Somebody looks around, and maybe buys, comes back to the cart, or wants the money back."""
    number = int(cast.visitors * random.random() ** 2)
    country, region, currency = PLACES[number % len(PLACES) if cast.abroad else 0]
    source, medium, campaign = random.choice(ORIGINS)
    who: Event = {
        "visitor_id": f"v{number}",
        "source": source,
        "medium": medium,
        "campaign": campaign,
        "device": random.choice(DEVICES),
        "country": country,
        "region": region,
        "channel": CHANNELS[number % 3],
        "group": GROUPS[number % len(GROUPS)],
    }
    if number % 3:
        who["customer_id"] = f"c{number}"
    if random.random() < 0.15:
        who["session_id"] = f"s{number}-{random.randrange(2)}"
    if medium == "cpc":
        shown = {"network": source, "ad": f"ad{random.randrange(3)}", "placement": "top"}
        yield {"type": "ad_click", "ts": ts, "click_id": cast.new("k"), **who, **shown}
    for _ in range(random.choice((1, 1, 2, 3, 5))):
        yield {"type": "page_view", "ts": ts, "landing_page": random.choice(PAGES), **who}
        ts += random.choice((0, 1, 5 * SECOND_MS, 70 * SECOND_MS, 29 * MINUTE_MS, 30 * MINUTE_MS))
        who.pop("campaign", None) if random.random() < 0.2 else None
    login = {"type": "identify", "visitor_id": f"v{number}", "customer_id": f"c{number}"}
    if random.random() < 0.15:
        yield {**login, "ts": ts}
    mood = random.random()
    if mood < 0.08:
        yield {"type": "goal_completed", "ts": ts, "goal": random.choice(("demo", "call")), **who}
    elif mood < 0.15:
        kind = random.choice(("share", "comment", "like", "save"))
        network = {"network": random.choice(("meta", "pin"))}
        yield {"type": "social_interaction", "ts": ts, "interaction": kind, **network, **who}
    elif mood < 0.5:
        yield from _cart(cast, random, ts, who, currency, number)
        if random.random() < 0.2:  # an account is made once all is paid
            yield {**login, "ts": ts + random.choice((MINUTE_MS, 20 * MINUTE_MS, 31 * MINUTE_MS))}


def _cart(
    cast: Cast, random: Random, ts: int, who: Event, currency: str, number: int
) -> Iterator[Event]:
    cart: Event = {"currency": currency}
    if random.random() < 0.3:  # some carts are known by id, and ids are used again
        cart["cart_id"] = cast.new("b") if random.random() < 0.7 else cast.again("b", random)
    for _ in range(random.randrange(1, 4)):
        yield {"type": "add_to_cart", "ts": ts, "value": random.choice(AMOUNTS), **who, **cart}
        ts += random.randrange(40 * SECOND_MS)
    if random.random() < 0.3:
        yield {"type": "remove_from_cart", "ts": ts, "value": 1, **who, **cart}
    if random.random() < 0.7:
        yield {"type": "checkout_started", "ts": ts, **who, **cart}
        ts += random.choice((0, SECOND_MS, MINUTE_MS))
        if random.random() < 0.7:
            if random.random() < 0.3:  # the shop's backend tells of it, and knows the customer only
                who = {k: v for k, v in who.items() if k not in ("visitor_id", "session_id")}
                who["customer_id"] = f"c{number}"
            yield from _order(cast, random, ts, who, cart)


def _order(cast: Cast, random: Random, ts: int, who: Event, cart: Event) -> Iterator[Event]:
    order = cast.new("o") if random.random() < 0.95 else cast.again("o", random)
    more = {"segment": random.choice(("home", "pro", None))}
    way = {"direction": DIRECTION_BY_CAMPAIGN.get(who.get("campaign", ""))}
    lines = random.choice((1, 1, 1, 2))
    for _ in range(lines):
        product = random.randrange(cast.products)
        bought: Event = {
            "order_id": order,
            "value": random.choice(AMOUNTS),
            "product": f"p{product}",
            "category": f"g{product % 7}",
            "quantity": 1,
        }
        if random.random() < 0.6:
            bought["items"] = [_item(cast, random) for _ in range(random.randrange(1, 4))]
        yield {"type": "purchase", "ts": ts, **who, **cart, **bought, **more, **way}
    if random.random() < 0.2:
        back = {"order_id": order, "value": "0.5", "product": f"p{product}"}
        later = ts + random.choice((HOUR_MS, DAY_MS, 20 * DAY_MS))
        yield {"type": "refund", "ts": later, **who, "currency": cart["currency"], **back}
    if "customer_id" in who and random.random() < 0.3:
        value = random.choice((0, 3, 6, 7, 8, 9, 10))
        said = {
            "customer_id": who["customer_id"],
            "source": who.get("source"),
            "region": who["region"],
        }
        yield {"type": "nps_response", "ts": ts + DAY_MS, "value": value, **more, **said}


def _item(cast: Cast, random: Random) -> Event:
    product = random.randrange(cast.products)
    item: Event = {"quantity": random.randrange(3), "price": random.choice(("3.5", 2))}
    if random.random() < 0.7:
        item |= {"product": f"p{product}", "category": f"g{product % 7}"}
    if random.random() < 0.8:
        item["unit_cost"] = random.choice(("1.25", 1))
    return item


def backend_order(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """A purchase that only a backend knows: a customer, and no visitor."""
    number = random.randrange(cast.visitors)
    who: Event = {"customer_id": f"c{number}", "region": "dach", "channel": "store"}
    currency = random.choice(("EUR", "USD")) if cast.abroad else "EUR"
    yield from _order(cast, random, ts, who, {"currency": currency})


def impression(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """An advertisement is shown."""
    del cast
    campaign = random.choice(CAMPAIGNS)
    where = {"network": NETWORK_BY_CAMPAIGN[campaign], "channel": CHANNEL_BY_CAMPAIGN[campaign]}
    ad = {"ad": f"ad{random.randrange(3)}", "placement": random.choice(("top", "feed"))}
    yield {"type": "ad_impression", "ts": ts, "campaign": campaign, **ad, **where}


def message(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """An e-mail, and what became of it."""
    number = random.randrange(cast.visitors)
    who: Event = {
        "recipient_id": f"r{number}",
        "campaign": random.choice(("autumn", "deals", None)),
        "list": random.choice(LISTS),
    }
    if number % 2:
        who |= {"visitor_id": f"v{number}", "customer_id": f"c{number}"}
    if random.random() < 0.9:
        yield {"type": "email_sent", "ts": ts, **who}
    if random.random() < 0.07:
        yield {"type": "email_bounced", "ts": ts + SECOND_MS, **who}
        return
    ts += random.choice((0, SECOND_MS, MINUTE_MS))
    yield {"type": "email_delivered", "ts": ts, **who}
    for kind, chance in (("email_opened", 0.6), ("email_opened", 0.2), ("email_clicked", 0.4)):
        if random.random() < chance:
            ts += random.choice((0, MINUTE_MS, 10 * MINUTE_MS, 30 * HOUR_MS, 72 * HOUR_MS))
            heard = who if random.random() < 0.8 else {**who, "campaign": None}
            yield {"type": kind, "ts": ts, **heard}
    if random.random() < 0.2 and "visitor_id" in who:
        bought = {"order_id": cast.new("o"), "value": 15, "currency": "EUR"}
        yield {"type": "purchase", "ts": ts + MINUTE_MS, "visitor_id": who["visitor_id"], **bought}


def subscription(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """Somebody comes onto a list, says so again, and leaves."""
    who = {
        "recipient_id": f"r{random.randrange(cast.visitors)}",
        "list": random.choice(LISTS),
        "form": random.choice(FORMS),
        "campaign": random.choice(("autumn", None)),
    }
    if random.random() < 0.85:
        yield {"type": "subscribed", "ts": ts, **who}
    if random.random() < 0.4:
        ts += random.choice((0, HOUR_MS, 30 * DAY_MS))
        yield {"type": random.choice(("subscribed", "unsubscribed")), "ts": ts, **who}


def ticket(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """A ticket, answered in time or not, resolved, and maybe reopened."""
    it: Event = {
        "ticket_id": cast.new("t") if random.random() < 0.95 else cast.again("t", random),
        "priority": random.choice(("urgent", "normal", None)),
        "team": random.choice(("orders", "returns")),
        "channel": random.choice(("email", "chat")),
    }
    yield {"type": "ticket_opened", "ts": ts, **it}
    for _ in range(random.randrange(3)):
        ts += random.choice((0, 4 * MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 61 * MINUTE_MS))
        by = {"by": random.choice(("agent", "agent", "customer")), "agent": f"a{ts % 5}"}
        yield {"type": "ticket_replied", "ts": ts, **it, **by}
    for kind, chance in (("resolved", 0.8), ("reopened", 0.3), ("resolved", 0.6)):
        if random.random() < chance:
            ts += random.choice((0, 15 * MINUTE_MS, 5 * HOUR_MS, 3 * DAY_MS))
            yield {"type": f"ticket_{kind}", "ts": ts, **it, "priority": None}


def lead(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """A lead, how soon sales called, and what became of it."""
    source, _, campaign = random.choice(ORIGINS)
    it: Event = {
        "lead_id": cast.new("l"),
        "source": source,
        "campaign": campaign,
        "owner": random.choice(("ann", "bob")),
        "direction": random.choice(("inbound", "outbound")),
        "network": random.choice(("meta", "pin", None)),
        "device": random.choice(DEVICES),
    }
    yield {"type": "lead_created", "ts": ts, **it}
    for kind, chance in (("contacted", 0.7), ("demo", 0.3), ("accepted", 0.6), ("qualified", 0.5),
                         ("won", 0.4), ("lost", 0.2)):  # fmt: skip
        if random.random() < chance:
            ts += random.choice((0, 7 * MINUTE_MS, 2 * HOUR_MS, DAY_MS, 29 * DAY_MS))
            if kind == "contacted":
                yield {"type": "sales_contacted", "ts": ts, **it, "owner": None}
            elif kind == "demo":
                yield {"type": "demo_scheduled", "ts": ts, **it}
            else:
                yield {"type": "lead_status", "ts": ts, "status": kind, **it}


def cost(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """Money spent, in one currency by campaign, or another."""
    campaign = random.choice(CAMPAIGNS)
    where = {
        "campaign": campaign,
        "network": NETWORK_BY_CAMPAIGN[campaign],
        "channel": CHANNEL_BY_CAMPAIGN[campaign],
        "source": NETWORK_BY_CAMPAIGN[campaign],
        "direction": DIRECTION_BY_CAMPAIGN.get(campaign),
    }
    kind = random.choice(("ad_cost", "ad_cost", "marketing_cost", "expense"))
    currency = "EUR"
    if cast.abroad and random.random() < 0.2:
        currency = random.choice(("GBP", "USD"))
    more = {"category": random.choice(("rent", "wages"))} if kind == "expense" else {}
    amount = {"value": random.choice(AMOUNTS), "currency": currency}
    yield {"type": kind, "ts": ts, **amount, **where, **more}


def reading(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """A figure from outside is read: an account, a rank, a reach, a rate, a target."""
    yield random.choice(list(readings(cast, random, ts)))


def readings(cast: Cast, random: Random, ts: int) -> Iterator[Event]:
    """Every figure from outside is read once."""
    del cast
    network = random.choice(("meta", "pin", "google"))
    found: tuple[Event, ...] = (
        {"type": "balance", "account": random.choice(("bank", "cash")), "currency": "EUR"},
        {"type": "keyword_rank", "keyword": f"q{random.randrange(4)}", "network": network},
        {"type": "social_reach", "network": network},
        {"type": "market_impressions", "network": network},
        {"type": "market_impressions", "channel": random.choice(CHANNELS)},
        {"type": "fx_rate", "currency": random.choice(("GBP", "USD"))},
        {"type": "target_set", "kpi": "annual_visitors"},
        {"type": "target_set", "kpi": "opening_list_size", "list": random.choice(LISTS)},
        _planned(random),
    )
    for one in found:
        yield one | {"ts": ts, "value": random.choice((1, 2, 3, 40, 500, "12.5"))}


def _planned(random: Random) -> Event:
    campaign = random.choice(CAMPAIGNS)
    channel = {"channel": CHANNEL_BY_CAMPAIGN[campaign]} if random.random() < 0.5 else {}
    return {"type": "target_set", "kpi": "planned_conversions", "campaign": campaign, **channel}


SCENES: Final[tuple[tuple[float, Scene], ...]] = (  # weight, scene
    (30, impression),
    (18, visit),
    (1, backend_order),
    (3, message),
    (1.5, subscription),
    (1.5, ticket),
    (1.2, lead),
    (1.5, cost),
    (0.4, reading),
)
