# DO NOT EDIT: generated from processors/event.py by kpi generate.
# ruff: noqa: A002  # parameters are named as the contract names the fields
"""One method an event type, for the blocking producer and its asyncio twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from streams.producer.prepare import Amount, Moment

Sent = TypeVar("Sent")


class EventHelpers(ABC, Generic[Sent]):
    """Publishes events by type. Fields that are None are left out; unknown ones are kept."""

    @abstractmethod
    def publish(self, event: Mapping[str, Any]) -> Sent:
        """Publish an event given as a JSON object."""

    def page_view(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        landing_page: str | None = None,
        referrer: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A page was shown.

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            landing_page: path of the page, without its query.
            referrer: host of the page that led here.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "page_view",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "landing_page": landing_page,
                "referrer": referrer,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def ad_click(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        click_id: str | None = None,
        ad: str | None = None,
        placement: str | None = None,
        network: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """An advertisement was clicked.

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            click_id: the ad network's id of the click.
            ad: the advertisement.
            placement: where the advertisement stood.
            network: the advertising or social network.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "ad_click",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "click_id": click_id,
                "ad": ad,
                "placement": placement,
                "network": network,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def add_to_cart(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        cart_id: str | None = None,
        product: str | None = None,
        category: str | None = None,
        value: Amount | None = None,
        currency: str | None = None,
        quantity: int | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        items: Sequence[Mapping[str, Any]] | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Something was put into a cart.

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            cart_id: the cart; the visitor's only one if absent.
            product: the product.
            category: the product's category, or the kind of expense.
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            quantity: number of pieces.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            items: what is in it: product, category, quantity, price, unit_cost.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "add_to_cart",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "cart_id": cart_id,
                "product": product,
                "category": category,
                "value": value,
                "currency": currency,
                "quantity": quantity,
                "event_id": event_id,
                "ts": ts,
                "items": items,
                "properties": properties,
            }
        )

    def remove_from_cart(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        cart_id: str | None = None,
        product: str | None = None,
        category: str | None = None,
        value: Amount | None = None,
        currency: str | None = None,
        quantity: int | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        items: Sequence[Mapping[str, Any]] | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Something was taken out of a cart.

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            cart_id: the cart; the visitor's only one if absent.
            product: the product.
            category: the product's category, or the kind of expense.
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            quantity: number of pieces.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            items: what is in it: product, category, quantity, price, unit_cost.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "remove_from_cart",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "cart_id": cart_id,
                "product": product,
                "category": category,
                "value": value,
                "currency": currency,
                "quantity": quantity,
                "event_id": event_id,
                "ts": ts,
                "items": items,
                "properties": properties,
            }
        )

    def checkout_started(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        cart_id: str | None = None,
        product: str | None = None,
        category: str | None = None,
        value: Amount | None = None,
        currency: str | None = None,
        quantity: int | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        items: Sequence[Mapping[str, Any]] | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A checkout began.

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            cart_id: the cart; the visitor's only one if absent.
            product: the product.
            category: the product's category, or the kind of expense.
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            quantity: number of pieces.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            items: what is in it: product, category, quantity, price, unit_cost.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "checkout_started",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "cart_id": cart_id,
                "product": product,
                "category": category,
                "value": value,
                "currency": currency,
                "quantity": quantity,
                "event_id": event_id,
                "ts": ts,
                "items": items,
                "properties": properties,
            }
        )

    def purchase(
        self,
        *,
        order_id: str,
        value: Amount,
        currency: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        cart_id: str | None = None,
        product: str | None = None,
        category: str | None = None,
        segment: str | None = None,
        direction: str | None = None,
        quantity: int | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        items: Sequence[Mapping[str, Any]] | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """An order, or one part of it; ``order_id`` tells which.

        Args:
            order_id: the order.
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            cart_id: the cart; the visitor's only one if absent.
            product: the product.
            category: the product's category, or the kind of expense.
            segment: the customer's segment.
            direction: inbound or outbound: who came to whom.
            quantity: number of pieces.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            items: what is in it: product, category, quantity, price, unit_cost.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "purchase",
                "order_id": order_id,
                "value": value,
                "currency": currency,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "cart_id": cart_id,
                "product": product,
                "category": category,
                "segment": segment,
                "direction": direction,
                "quantity": quantity,
                "event_id": event_id,
                "ts": ts,
                "items": items,
                "properties": properties,
            }
        )

    def refund(
        self,
        *,
        order_id: str,
        value: Amount,
        currency: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        product: str | None = None,
        category: str | None = None,
        quantity: int | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Money given back.

        Args:
            order_id: the order.
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            product: the product.
            category: the product's category, or the kind of expense.
            quantity: number of pieces.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "refund",
                "order_id": order_id,
                "value": value,
                "currency": currency,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "product": product,
                "category": category,
                "quantity": quantity,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def goal_completed(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        goal: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A goal other than a purchase was reached.

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            goal: the goal that was reached.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "goal_completed",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "goal": goal,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def social_interaction(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        interaction: str | None = None,
        network: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A like, comment, share, ...

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            interaction: like, comment, share, ....
            network: the advertising or social network.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "social_interaction",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "interaction": interaction,
                "network": network,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def identify(
        self,
        *,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        recipient_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Links identities of one person.

        Args:
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            recipient_id: the recipient, as the mailing system knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "identify",
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "recipient_id": recipient_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def email_sent(
        self,
        *,
        recipient_id: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        list: str | None = None,
        form: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A message left.

        Args:
            recipient_id: the recipient, as the mailing system knows them.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            list: the mailing list.
            form: the form that was filled in.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "email_sent",
                "recipient_id": recipient_id,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "list": list,
                "form": form,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def email_delivered(
        self,
        *,
        recipient_id: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        list: str | None = None,
        form: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A message arrived.

        Args:
            recipient_id: the recipient, as the mailing system knows them.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            list: the mailing list.
            form: the form that was filled in.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "email_delivered",
                "recipient_id": recipient_id,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "list": list,
                "form": form,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def email_bounced(
        self,
        *,
        recipient_id: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        list: str | None = None,
        form: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A message came back.

        Args:
            recipient_id: the recipient, as the mailing system knows them.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            list: the mailing list.
            form: the form that was filled in.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "email_bounced",
                "recipient_id": recipient_id,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "list": list,
                "form": form,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def email_opened(
        self,
        *,
        recipient_id: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        list: str | None = None,
        form: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A message was opened.

        Args:
            recipient_id: the recipient, as the mailing system knows them.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            list: the mailing list.
            form: the form that was filled in.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "email_opened",
                "recipient_id": recipient_id,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "list": list,
                "form": form,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def email_clicked(
        self,
        *,
        recipient_id: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        list: str | None = None,
        form: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A link in a message was followed.

        Args:
            recipient_id: the recipient, as the mailing system knows them.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            list: the mailing list.
            form: the form that was filled in.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "email_clicked",
                "recipient_id": recipient_id,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "list": list,
                "form": form,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def subscribed(
        self,
        *,
        recipient_id: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        list: str | None = None,
        form: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A recipient joined a list.

        Args:
            recipient_id: the recipient, as the mailing system knows them.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            list: the mailing list.
            form: the form that was filled in.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "subscribed",
                "recipient_id": recipient_id,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "list": list,
                "form": form,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def unsubscribed(
        self,
        *,
        recipient_id: str,
        traffic: str | None = None,
        visitor_id: str | None = None,
        customer_id: str | None = None,
        session_id: str | None = None,
        source: str | None = None,
        medium: str | None = None,
        campaign: str | None = None,
        device: str | None = None,
        country: str | None = None,
        region: str | None = None,
        channel: str | None = None,
        group: str | None = None,
        list: str | None = None,
        form: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A recipient left a list.

        Args:
            recipient_id: the recipient, as the mailing system knows them.
            traffic: bot or test, where no customer caused it: such events are excluded.
            visitor_id: the browser or device, as the site knows it.
            customer_id: the customer, as the shop knows them.
            session_id: the producer's own session; without it, 30 min of silence end one.
            source: where the visit came from: google, newsletter, direct.
            medium: how it came: organic, cpc, email, social, referral.
            campaign: the marketing campaign.
            device: desktop, mobile or tablet.
            country: ISO 3166 code of the country.
            region: sales region.
            channel: online, store, phone.
            group: treatment or holdout: on which side of a trial of the campaign.
            list: the mailing list.
            form: the form that was filled in.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "unsubscribed",
                "recipient_id": recipient_id,
                "traffic": traffic,
                "visitor_id": visitor_id,
                "customer_id": customer_id,
                "session_id": session_id,
                "source": source,
                "medium": medium,
                "campaign": campaign,
                "device": device,
                "country": country,
                "region": region,
                "channel": channel,
                "group": group,
                "list": list,
                "form": form,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def ad_impression(
        self,
        *,
        campaign: str,
        traffic: str | None = None,
        ad: str | None = None,
        placement: str | None = None,
        network: str | None = None,
        channel: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """An advertisement was shown.

        Args:
            campaign: the marketing campaign.
            traffic: bot or test, where no customer caused it: such events are excluded.
            ad: the advertisement.
            placement: where the advertisement stood.
            network: the advertising or social network.
            channel: online, store, phone.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "ad_impression",
                "campaign": campaign,
                "traffic": traffic,
                "ad": ad,
                "placement": placement,
                "network": network,
                "channel": channel,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def ticket_opened(
        self,
        *,
        ticket_id: str,
        traffic: str | None = None,
        priority: str | None = None,
        team: str | None = None,
        channel: str | None = None,
        agent: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A customer asked for help.

        Args:
            ticket_id: the ticket.
            traffic: bot or test, where no customer caused it: such events are excluded.
            priority: the ticket's priority.
            team: the team that answers.
            channel: online, store, phone.
            agent: the agent who answers.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "ticket_opened",
                "ticket_id": ticket_id,
                "traffic": traffic,
                "priority": priority,
                "team": team,
                "channel": channel,
                "agent": agent,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def ticket_replied(
        self,
        *,
        ticket_id: str,
        by: str,
        traffic: str | None = None,
        priority: str | None = None,
        team: str | None = None,
        channel: str | None = None,
        agent: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Somebody answered: ``by`` is agent or customer.

        Args:
            ticket_id: the ticket.
            by: agent or customer.
            traffic: bot or test, where no customer caused it: such events are excluded.
            priority: the ticket's priority.
            team: the team that answers.
            channel: online, store, phone.
            agent: the agent who answers.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "ticket_replied",
                "ticket_id": ticket_id,
                "by": by,
                "traffic": traffic,
                "priority": priority,
                "team": team,
                "channel": channel,
                "agent": agent,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def ticket_resolved(
        self,
        *,
        ticket_id: str,
        traffic: str | None = None,
        priority: str | None = None,
        team: str | None = None,
        channel: str | None = None,
        agent: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """The ticket was solved.

        Args:
            ticket_id: the ticket.
            traffic: bot or test, where no customer caused it: such events are excluded.
            priority: the ticket's priority.
            team: the team that answers.
            channel: online, store, phone.
            agent: the agent who answers.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "ticket_resolved",
                "ticket_id": ticket_id,
                "traffic": traffic,
                "priority": priority,
                "team": team,
                "channel": channel,
                "agent": agent,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def ticket_reopened(
        self,
        *,
        ticket_id: str,
        traffic: str | None = None,
        priority: str | None = None,
        team: str | None = None,
        channel: str | None = None,
        agent: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """The solution did not hold.

        Args:
            ticket_id: the ticket.
            traffic: bot or test, where no customer caused it: such events are excluded.
            priority: the ticket's priority.
            team: the team that answers.
            channel: online, store, phone.
            agent: the agent who answers.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "ticket_reopened",
                "ticket_id": ticket_id,
                "traffic": traffic,
                "priority": priority,
                "team": team,
                "channel": channel,
                "agent": agent,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def lead_created(
        self,
        *,
        lead_id: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        owner: str | None = None,
        direction: str | None = None,
        network: str | None = None,
        device: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Somebody showed interest.

        Args:
            lead_id: the lead.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            owner: who looks after the lead.
            direction: inbound or outbound: who came to whom.
            network: the advertising or social network.
            device: desktop, mobile or tablet.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "lead_created",
                "lead_id": lead_id,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "owner": owner,
                "direction": direction,
                "network": network,
                "device": device,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def lead_status(
        self,
        *,
        lead_id: str,
        status: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        owner: str | None = None,
        direction: str | None = None,
        network: str | None = None,
        device: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A lead moved on: ``status`` is accepted, qualified, won or lost.

        Args:
            lead_id: the lead.
            status: accepted, qualified, won or lost.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            owner: who looks after the lead.
            direction: inbound or outbound: who came to whom.
            network: the advertising or social network.
            device: desktop, mobile or tablet.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "lead_status",
                "lead_id": lead_id,
                "status": status,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "owner": owner,
                "direction": direction,
                "network": network,
                "device": device,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def sales_contacted(
        self,
        *,
        lead_id: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        owner: str | None = None,
        direction: str | None = None,
        network: str | None = None,
        device: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Sales spoke to the lead.

        Args:
            lead_id: the lead.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            owner: who looks after the lead.
            direction: inbound or outbound: who came to whom.
            network: the advertising or social network.
            device: desktop, mobile or tablet.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "sales_contacted",
                "lead_id": lead_id,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "owner": owner,
                "direction": direction,
                "network": network,
                "device": device,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def demo_scheduled(
        self,
        *,
        lead_id: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        owner: str | None = None,
        direction: str | None = None,
        network: str | None = None,
        device: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A demonstration was agreed.

        Args:
            lead_id: the lead.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            owner: who looks after the lead.
            direction: inbound or outbound: who came to whom.
            network: the advertising or social network.
            device: desktop, mobile or tablet.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "demo_scheduled",
                "lead_id": lead_id,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "owner": owner,
                "direction": direction,
                "network": network,
                "device": device,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def ad_cost(
        self,
        *,
        value: Amount,
        currency: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        direction: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Money spent on advertisements.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            direction: inbound or outbound: who came to whom.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "ad_cost",
                "value": value,
                "currency": currency,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "direction": direction,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def marketing_cost(
        self,
        *,
        value: Amount,
        currency: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        direction: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Money spent on sales and marketing.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            direction: inbound or outbound: who came to whom.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "marketing_cost",
                "value": value,
                "currency": currency,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "direction": direction,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def expense(
        self,
        *,
        value: Amount,
        currency: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        category: str | None = None,
        direction: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """Money spent on running the business.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            category: the product's category, or the kind of expense.
            direction: inbound or outbound: who came to whom.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "expense",
                "value": value,
                "currency": currency,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "category": category,
                "direction": direction,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def balance(
        self,
        *,
        value: Amount,
        currency: str,
        account: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """The last reading of an account.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            account: the account that is read.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "balance",
                "value": value,
                "currency": currency,
                "account": account,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def target_set(
        self,
        *,
        value: Amount,
        kpi: str,
        traffic: str | None = None,
        currency: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        list: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A target for a KPI.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            kpi: id of the KPI that the target is for.
            traffic: bot or test, where no customer caused it: such events are excluded.
            currency: ISO 4217 code of the value's currency.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            list: the mailing list.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "target_set",
                "value": value,
                "kpi": kpi,
                "traffic": traffic,
                "currency": currency,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "list": list,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def market_impressions(
        self,
        *,
        value: Amount,
        traffic: str | None = None,
        currency: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """What the whole market showed.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            traffic: bot or test, where no customer caused it: such events are excluded.
            currency: ISO 4217 code of the value's currency.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "market_impressions",
                "value": value,
                "traffic": traffic,
                "currency": currency,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def social_reach(
        self,
        *,
        value: Amount,
        traffic: str | None = None,
        currency: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """People reached by a network.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            traffic: bot or test, where no customer caused it: such events are excluded.
            currency: ISO 4217 code of the value's currency.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "social_reach",
                "value": value,
                "traffic": traffic,
                "currency": currency,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def keyword_rank(
        self,
        *,
        value: Amount,
        keyword: str,
        traffic: str | None = None,
        currency: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """A position in search results.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            keyword: the search keyword.
            traffic: bot or test, where no customer caused it: such events are excluded.
            currency: ISO 4217 code of the value's currency.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "keyword_rank",
                "value": value,
                "keyword": keyword,
                "traffic": traffic,
                "currency": currency,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def nps_response(
        self,
        *,
        value: Amount,
        traffic: str | None = None,
        currency: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        customer_id: str | None = None,
        segment: str | None = None,
        region: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """An answer, 0 to 10, to how likely a recommendation is.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            traffic: bot or test, where no customer caused it: such events are excluded.
            currency: ISO 4217 code of the value's currency.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            customer_id: the customer, as the shop knows them.
            segment: the customer's segment.
            region: sales region.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "nps_response",
                "value": value,
                "traffic": traffic,
                "currency": currency,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "customer_id": customer_id,
                "segment": segment,
                "region": region,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )

    def fx_rate(
        self,
        *,
        value: Amount,
        currency: str,
        traffic: str | None = None,
        source: str | None = None,
        campaign: str | None = None,
        channel: str | None = None,
        network: str | None = None,
        event_id: str | None = None,
        ts: Moment | None = None,
        properties: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Sent:
        """What one unit of ``currency`` is worth in the reporting currency.

        Args:
            value: amount of money, or the reading: not negative, below 10^9, at most 6 decimals.
            currency: ISO 4217 code of the value's currency.
            traffic: bot or test, where no customer caused it: such events are excluded.
            source: where the visit came from: google, newsletter, direct.
            campaign: the marketing campaign.
            channel: online, store, phone.
            network: the advertising or social network.
            event_id: the producer's own id; a random one if None.
            ts: when it happened (ms since 1970 UTC, RFC 3339, datetime); now if None.
            properties: anything else; kept, not added up.
            **more: fields of your own; kept, not added up.

        Raises:
            InvalidEventError: the worker would reject it; nothing was sent.
            BufferFullError: no room for it: Kafka is away or slow.
            DeliveryError: Kafka is away and the policy is to raise.
        """
        return self.publish(
            {
                **more,
                "type": "fx_rate",
                "value": value,
                "currency": currency,
                "traffic": traffic,
                "source": source,
                "campaign": campaign,
                "channel": channel,
                "network": network,
                "event_id": event_id,
                "ts": ts,
                "properties": properties,
            }
        )
