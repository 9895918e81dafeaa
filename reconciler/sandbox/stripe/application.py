"""Answers Stripe's HTTP routes from a world: authenticates, lists and retrieves; there are no writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from itertools import count

from werkzeug.wrappers import Request, Response

from reconciler.sandbox.stripe import listings, refusals
from reconciler.sandbox.stripe.keys import Granted, Keys
from reconciler.sandbox.stripe.listings import Listing
from reconciler.sandbox.stripe.objects import Json
from reconciler.sandbox.stripe.query import Query
from reconciler.sandbox.stripe.refusals import Refusal
from reconciler.sandbox.stripe.showing import expansion, shown
from reconciler.sandbox.stripe.world import StripeWorld

API_VERSION = "2026-10-28.endive"

_COLLECTIONS: dict[str, tuple[str, Callable[[StripeWorld, Query], Listing]]] = {
    "coupons": ("coupon", listings.coupons),
    "customers": ("customer", listings.customers),
    "invoices": ("invoice", listings.invoices),
    "prices": ("price", listings.prices),
    "products": ("product", listings.products),
    "subscription_items": ("subscription_item", listings.subscription_items),
    "subscription_schedules": ("subscription_schedule", listings.subscription_schedules),
    "subscriptions": ("subscription", listings.subscriptions),
}


class StripeApplication:
    """One account over HTTP; every answer has a `Request-Id`, and echoes the `Stripe-Version` asked for."""

    def __init__(self, world: StripeWorld, keys: Keys) -> None:
        """Answer from `world` whom `keys` allows."""
        self._world = world
        self._keys = keys
        self._numbers = count(1)

    def __call__(self, request: Request) -> Response:
        """The answer to one request."""
        request_id = f"req_{next(self._numbers):014d}"
        headers = {
            "Request-Id": request_id,
            "Stripe-Version": request.headers.get("Stripe-Version", API_VERSION),
        }
        try:
            granted = self._keys.allow(request)
            text, status = json.dumps(self._answer(request, granted)), 200
        except Refusal as refusal:
            text, status = refusals.body(refusal.error), refusal.status
            if status == HTTPStatus.UNAUTHORIZED:
                headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
        return Response(text, status=status, content_type="application/json", headers=headers)

    def _answer(self, request: Request, granted: Granted) -> Json:
        match request.path.split("/"):
            case ["", "v1", collection] if request.method == "GET" and collection in _COLLECTIONS:
                return self._list(collection, Query(request.args.items(multi=True)), granted)
            case ["", "v1", collection, object_id] if request.method == "GET" and collection in _COLLECTIONS:
                if object_id:
                    kind = _COLLECTIONS[collection][0]
                    return self._retrieve(kind, object_id, Query(request.args.items(multi=True)), granted)
        raise Refusal(
            404,
            f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we "
            "can help at https://support.stripe.com/.",
        )

    def _list(self, collection: str, query: Query, granted: Granted) -> Json:
        kind, listing_of = _COLLECTIONS[collection]
        granted.need(kind)
        table = self._world.tables[kind]
        tree = expansion(query.many("expand"), kind=kind, in_list=True, granted=granted)
        listing = listing_of(self._world, query)
        limit, created = query.limit(), query.span("created")
        after, before = query.text("starting_after"), query.text("ending_before")
        query.refuse_unread()
        if after and before:
            raise Refusal(400, "You may only specify one of these parameters: ending_before, starting_after.")
        for param, cursor in (("starting_after", after), ("ending_before", before)):
            if cursor is not None and (cursor not in table.rows or "deleted" in table.rows[cursor]):
                raise refusals.missing(kind, cursor, param=param)
        page = table.page(
            where=listing.where, created=created, keep=listing.keep, limit=limit, after=after, before=before
        )
        return {
            "object": "list",
            "data": [shown(self._world, kind, row, tree) for row in page.rows],
            "has_more": page.has_more,
            "url": f"/v1/{collection}",
        }

    def _retrieve(self, kind: str, object_id: str, query: Query, granted: Granted) -> Json:
        granted.need(kind)
        tree = expansion(query.many("expand"), kind=kind, in_list=False, granted=granted)
        query.refuse_unread()
        row = self._world.tables[kind].rows.get(object_id)
        if row is None:
            raise refusals.missing(kind, object_id)
        return shown(self._world, kind, row, tree)
