"""Where a visit comes from, and on what it happens: the rules for browsers, written once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEARCH: Final = (
    "google", "bing", "duckduckgo", "yahoo", "ecosia", "baidu", "yandex", "startpage", "qwant",
    "brave", "seznam", "naver",
)  # fmt: skip
_SOCIAL: Final = {
    "facebook": "facebook", "fb": "facebook", "instagram": "instagram", "linkedin": "linkedin",
    "lnkd": "linkedin", "twitter": "twitter", "x": "twitter", "t": "twitter", "reddit": "reddit",
    "pinterest": "pinterest", "youtube": "youtube", "youtu": "youtube", "tiktok": "tiktok",
    "snapchat": "snapchat", "threads": "threads", "bsky": "bluesky", "mastodon": "mastodon",
    "whatsapp": "whatsapp", "telegram": "telegram", "xing": "xing", "vk": "vk", "weibo": "weibo",
}  # fmt: skip
# Short names stand for a network only under the domain that it uses.
_SHORT: Final = {"x": "x.com", "t": "t.co", "fb": "fb.com", "vk": "vk.com", "youtu": "youtu.be"}
_TABLET: Final = re.compile(r"iPad|Tablet|PlayBook|Silk|(Android(?!.*Mobile))", re.IGNORECASE)
_MOBILE: Final = re.compile(r"Mobi|iPhone|iPod|Android|Windows Phone", re.IGNORECASE)
_CLICK_IDS: Final = {
    "gclid": "google", "wbraid": "google", "gbraid": "google", "msclkid": "bing",
    "fbclid": "facebook", "ttclid": "tiktok", "li_fat_id": "linkedin",
}  # fmt: skip
_PAID: Final = frozenset({"google", "bing"})  # fbclid is on every link, paid or not


class Visit(NamedTuple):
    """Where a page view comes from; empty where unknown."""

    source: str = ""
    medium: str = ""
    campaign: str = ""


def visit(url: str, referrer: str, campaign: Mapping[str, str] | None = None) -> Visit:
    """Tell where a page view comes from.

    Campaign parameters win, then the click ids of advertising networks, then the referrer:
    search engines are ``organic``, networks ``social``, other sites ``referral``, none
    ``direct``. A referrer on the page's own site says nothing.

    Args:
        url: the page.
        referrer: the page before it, if any.
        campaign: source, medium and name, where the client has read them itself.
    """
    query = {name: values[0] for name, values in parse_qs(_split(url).query).items()}
    given = campaign or {}
    source = given.get("source") or query.get("utm_source", "")
    medium = given.get("medium") or query.get("utm_medium", "")
    name = given.get("name") or query.get("utm_campaign", "")
    if source or medium or name:
        return Visit(source, medium, name)
    for parameter, network in _CLICK_IDS.items():
        if parameter in query:
            return Visit(network, "cpc" if network in _PAID else "social", "")
    host = host_of(referrer)
    if not host:
        return Visit("direct", "none", "") if url else Visit()
    if host == host_of(url):
        return Visit()
    return _referred(host)


def _referred(host: str) -> Visit:
    labels = host.split(".")
    for label in labels[:-1]:
        if label in _SEARCH and not host.startswith("mail."):
            return Visit(label, "organic", "")
        if label in _SOCIAL and host.endswith(_SHORT.get(label, "")):
            return Visit(_SOCIAL[label], "social", "")
    return Visit(host, "referral", "")


def host_of(url: str) -> str:
    """Return a URL's host, without ``www.``; empty where it has none."""
    return (_split(url).hostname or "").removeprefix("www.")


def path_of(url: str) -> str:
    """Return a URL's path: no query, which may hold anything, and no fragment."""
    return _split(url).path or ("/" if url else "")


def device_of(user_agent: str) -> str:
    """Return desktop, mobile or tablet; empty where the user agent is unknown."""
    if not user_agent:
        return ""
    if _TABLET.search(user_agent):
        return "tablet"
    return "mobile" if _MOBILE.search(user_agent) else "desktop"


def _split(url: str) -> _Parts:
    try:
        parts = urlsplit(url)
        return _Parts(parts.hostname, parts.path, parts.query)
    except ValueError:  # a page may send anything
        return _Parts(None, "", "")


class _Parts(NamedTuple):
    hostname: str | None
    path: str
    query: str
