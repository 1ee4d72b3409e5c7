"""What the simulated shop sells, where its visitors come from and who answers them."""

from __future__ import annotations

from typing import Final, NamedTuple


class Origin(NamedTuple):
    """How a visit began: weight is its share of the visits that no advertisement brought."""

    weight: float
    source: str
    medium: str
    campaign: str | None
    landing_pages: tuple[str, ...]


class Campaign(NamedTuple):
    """An advertising campaign; ``click_rate`` is the chance that an impression is clicked."""

    weight: float
    name: str
    network: str
    channel: str
    placement: str
    ads: tuple[str, ...]
    click_rate: float
    landing_page: str


class Product(NamedTuple):
    """Something that is sold; the price is in cents of the visitor's currency."""

    weight: float
    name: str
    category: str
    price_cents: int


class Place(NamedTuple):
    """Where visitors live, and what they pay in."""

    weight: float
    country: str
    region: str
    currency: str


class Priority(NamedTuple):
    """How urgent a ticket is; the delay is the median until an agent first replies."""

    weight: float
    name: str
    first_reply_ms: int


ORIGINS: Final = (
    Origin(30, "google", "organic", None, ("/", "/shoes", "/jackets", "/guides/sizes")),
    Origin(24, "direct", "none", None, ("/", "/", "/sale")),
    Origin(14, "newsletter", "email", "autumn-letter", ("/sale", "/new")),
    Origin(12, "instagram", "social", "autumn-looks", ("/new", "/jackets")),
    Origin(8, "facebook", "social", "outdoor-club", ("/guides/sizes", "/shoes")),
    Origin(7, "bing", "organic", None, ("/", "/shoes")),
    Origin(5, "priceradar.example", "referral", None, ("/shoes", "/sale")),
)

CAMPAIGNS: Final = (
    Campaign(38, "brand", "google", "search", "top", ("b-1", "b-2"), 0.030, "/"),
    Campaign(30, "shoes-autumn", "google", "shopping", "grid", ("s-1", "s-2"), 0.022, "/shoes"),
    Campaign(20, "jackets-video", "youtube", "video", "in-stream", ("v-1", "v-2"), 0.012, "/new"),
    Campaign(12, "retargeting", "meta", "display", "feed", ("r-1", "r-2"), 0.017, "/sale"),
)

PRODUCTS: Final = (
    Product(16, "trail-runner", "shoes", 11_900),
    Product(12, "city-sneaker", "shoes", 8_950),
    Product(6, "hiking-boot", "shoes", 17_900),
    Product(10, "rain-jacket", "jackets", 14_900),
    Product(5, "down-jacket", "jackets", 24_900),
    Product(14, "merino-shirt", "shirts", 6_495),
    Product(13, "wool-socks", "accessories", 1_650),
    Product(10, "headlamp", "accessories", 3_999),
    Product(8, "day-pack", "bags", 7_900),
    Product(6, "duffel", "bags", 9_950),
)

PLACES: Final = (
    Place(46, "DE", "dach", "EUR"),
    Place(11, "AT", "dach", "EUR"),
    Place(14, "FR", "west", "EUR"),
    Place(9, "NL", "west", "EUR"),
    Place(20, "GB", "islands", "GBP"),
)

DEVICES: Final = ((56.0, "mobile"), (38.0, "desktop"), (6.0, "tablet"))

PRIORITIES: Final = (
    Priority(15, "urgent", 150_000),
    Priority(60, "normal", 420_000),
    Priority(25, "low", 1_080_000),
)

TEAMS: Final = ((50.0, "orders"), (30.0, "returns"), (20.0, "technical"))
TICKET_CHANNELS: Final = ((45.0, "email"), (35.0, "chat"), (20.0, "phone"))
AGENTS_PER_TEAM: Final = 6
