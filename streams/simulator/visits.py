"""One visit, from its landing page to a bounce, an abandoned cart or an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streams.simulator.cart import Cart
from streams.simulator.chance import Choice, delay_ms
from streams.simulator.incidents import Incident, IncidentKind, during
from streams.simulator.world import PRODUCTS

if TYPE_CHECKING:
    from random import Random

    from streams.simulator.visitors import Visitor

Planned = tuple[int, dict[str, Any]]  # event time (ms), the event without event_id and ts

_BOUNCE_SHARE: Final = 0.42
_CART_SHARE: Final = 0.32  # of the visits that do not bounce
_CHECKOUT_SHARE: Final = 0.50  # of the carts
_ORDER_SHARE: Final = 0.60  # of the checkouts: 0.5 * 0.6 leaves 70 % of the carts behind
_REMOVE_SHARE: Final = 0.15
_SIGN_UP_SHARE: Final = 0.03
_REFUND_SHARE: Final = 0.04
_WHOLE_REFUND_SHARE: Final = 0.5
_LOGIN_SHARE: Final = 0.3  # of the visits of who has an account
_BACKEND_SHARE: Final = 0.05  # of the orders: the shop's backend tells of it, and knows no visitor
_LATE_LOGIN_SHARE: Final = 0.5  # of those: the account is made once all is paid
_LOGIN_MEDIAN_MS: Final = 90_000
_LOGIN_MAX_MS: Final = 900_000
_MORE_PAGES: Final = 0.62
_MORE_ITEMS: Final = 0.40
_PAGES_MAX: Final = 25
_DWELL_MEDIAN_MS: Final = 24_000
_DWELL_MAX_MS: Final = 1_200_000  # well below the session gap
_REFUND_MEDIAN_MS: Final = 2_400_000
_REFUND_MAX_MS: Final = 21_600_000
_QUANTITIES: Final = (1, 1, 1, 1, 2, 3)
_PRODUCTS: Final = Choice(PRODUCTS, [product.weight for product in PRODUCTS])


class Visit:
    """Plans one visit; ``events`` fills in order of time."""

    def __init__(
        self,
        random: Random,
        visitor: Visitor,
        start_ms: int,
        *,
        origin: dict[str, Any],
        visit_id: str,
        incidents: tuple[Incident, ...],
        accounts: Random,
    ) -> None:
        self.events: list[Planned] = []
        self._random, self._accounts = random, accounts
        self._visitor = visitor
        self._now_ms = start_ms
        self._visit_id = visit_id
        self._incidents = incidents
        self._common = visitor.identity() | origin
        if visitor.keeps_session:
            self._common["session_id"] = f"s-{visit_id}"

    @property
    def last_ms(self) -> int:
        """The time of the visit's last event."""
        return self._now_ms

    def run(self) -> None:
        """Plan everything that happens."""
        random = self._random
        self._event("page_view")
        if self._visitor.customer_id is not None and self._accounts.random() < _LOGIN_SHARE:
            self._log_in(self._now_ms)
        if random.random() < _BOUNCE_SHARE:
            return
        self._browse()
        if random.random() < _SIGN_UP_SHARE:
            self._step("goal_completed", {"goal": "newsletter"})
        if random.random() < _CART_SHARE:
            self._shop()

    def _browse(self) -> None:
        for _ in range(_PAGES_MAX):
            self._step("page_view")
            if self._random.random() > _MORE_PAGES:
                return

    def _shop(self) -> None:
        random = self._random
        cart = Cart(self._visitor, self._cart_id())
        while not cart.lines or random.random() < _MORE_ITEMS:
            product, quantity = _PRODUCTS.draw(random), random.choice(_QUANTITIES)
            cart.lines.append((product, quantity))
            self._step("page_view")
            self._step("add_to_cart", cart.change(product, quantity))
        if len(cart.lines) > 1 and random.random() < _REMOVE_SHARE:
            self._step("remove_from_cart", cart.change(*cart.lines.pop()))
        if random.random() < _CHECKOUT_SHARE:
            self._step("checkout_started", cart.total())
            self._order(cart)

    def _order(self, cart: Cart) -> None:
        # Everything is drawn before it is known whether checkout works, so that an incident
        # changes nothing but its own consequences.
        random = self._random
        buys = random.random() < _ORDER_SHARE
        dwell_ms = self._dwell_ms()
        refunded = random.random() < _REFUND_SHARE
        whole = random.random() < _WHOLE_REFUND_SHARE
        refund_ms = delay_ms(random, _REFUND_MEDIAN_MS, 0.8, _REFUND_MAX_MS)
        at_ms = self._now_ms + dwell_ms
        if not buys or during(self._incidents, IncidentKind.BROKEN_CHECKOUT, at_ms):
            return
        self._now_ms = at_ms
        order_id = f"o-{self._visit_id}"
        fields = cart.order(order_id)
        if self._visitor.customer_id is None:
            self._visitor.customer_id = f"c-{self._visit_id}"
        self._common["customer_id"] = self._visitor.customer_id
        self._buy(fields)
        if refunded:
            event = {"type": "refund"} | self._common | cart.refund(order_id, whole=whole)
            self.events.append((at_ms + refund_ms, event))

    def _buy(self, fields: dict[str, Any]) -> None:
        accounts = self._accounts
        if accounts.random() >= _BACKEND_SHARE:
            self._event("purchase", fields)
            return
        late_ms = delay_ms(accounts, _LOGIN_MEDIAN_MS, 0.8, _LOGIN_MAX_MS)
        late = accounts.random() < _LATE_LOGIN_SHARE
        self._log_in(self._now_ms + late_ms if late else self._now_ms)
        known = {name: self._common[name] for name in ("customer_id", "country")}
        self.events.append((self._now_ms, {"type": "purchase"} | known | fields))

    def _log_in(self, at_ms: int) -> None:
        visitor = self._visitor
        who = {"visitor_id": visitor.visitor_id, "customer_id": visitor.customer_id}
        self.events.append((at_ms, {"type": "identify"} | who))

    def _cart_id(self) -> str | None:
        return f"k-{self._visit_id}" if self._visitor.keeps_session else None

    def _dwell_ms(self) -> int:
        return delay_ms(self._random, _DWELL_MEDIAN_MS, 1.0, _DWELL_MAX_MS)

    def _step(self, kind: str, fields: dict[str, Any] | None = None) -> None:
        self._now_ms += self._dwell_ms()
        self._event(kind, fields)

    def _event(self, kind: str, fields: dict[str, Any] | None = None) -> None:
        event = {"type": kind} | self._common
        self.events.append((self._now_ms, event if fields is None else event | fields))
