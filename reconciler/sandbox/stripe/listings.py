"""Which rows each list route gives for which parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.sandbox.stripe.objects import Json
from reconciler.sandbox.stripe.query import Query
from reconciler.sandbox.stripe.refusals import Refusal, missing
from reconciler.sandbox.stripe.table import Span
from reconciler.sandbox.stripe.world import StripeWorld

_ENDED = ("canceled", "incomplete_expired")
_SUBSCRIPTION_STATUSES = (
    "active",
    "past_due",
    "unpaid",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "trialing",
    "paused",
    "all",
    "ended",
)
_INVOICE_STATUSES = ("draft", "open", "paid", "uncollectible", "void")
_COLLECTION_METHODS = ("charge_automatically", "send_invoice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The rows of a list: those with the indexed field `where`, as far as `keep` accepts them."""

    where: tuple[str, str] | None = None
    keep: Callable[[Json], bool]


def subscriptions(world: StripeWorld, query: Query) -> Listing:
    """All but canceled ones unless `status` says more; those on a test clock only by that clock or by customer."""
    status = query.one_of("status", _SUBSCRIPTION_STATUSES)
    customer = _named(world, query, "customer")
    price = _named(world, query, "price") or _named(world, query, "plan", kind="price")
    method = query.one_of("collection_method", _COLLECTION_METHODS)
    clock = query.text("test_clock")
    starts, ends = query.span("current_period_start"), query.span("current_period_end")

    def keep(row: Json) -> bool:
        items = [world.get("subscription_item", item) for item in row["items"]]
        return (
            _status_kept(row["status"], status)
            and _clock_kept(row, clock, customer)
            and method in (None, row["collection_method"])
            and (price is None or any(item["price"] == price for item in items))
            and _within(starts, max(item["current_period_start"] for item in items))
            and _within(ends, min(item["current_period_end"] for item in items))
        )

    return Listing(where=None if customer is None else ("customer", customer), keep=keep)


def subscription_items(world: StripeWorld, query: Query) -> Listing:
    """The items of one subscription, which must be named."""
    subscription = _named(world, query, "subscription")
    if subscription is None:
        message = "Missing required param: subscription."
        raise Refusal(400, message, code="parameter_missing", param="subscription")
    return Listing(where=("subscription", subscription), keep=lambda _: True)


def subscription_schedules(world: StripeWorld, query: Query) -> Listing:
    """Schedules of a customer, or all; `scheduled` keeps those not started."""
    customer = _named(world, query, "customer")
    scheduled = query.flag("scheduled")
    spans = {name: query.span(name) for name in ("canceled_at", "completed_at", "released_at")}

    def keep(row: Json) -> bool:
        return (
            _clock_kept(row, None, customer)
            and (not scheduled or row["status"] == "not_started")
            and all(_within(span, row[name]) for name, span in spans.items())
        )

    return Listing(where=None if customer is None else ("customer", customer), keep=keep)


def customers(_: StripeWorld, query: Query) -> Listing:
    """Customers that are not deleted; `email` is compared exactly."""
    email = query.text("email")
    clock = query.text("test_clock")

    def keep(row: Json) -> bool:
        return "deleted" not in row and _clock_kept(row, clock, None) and email in (None, row["email"])

    return Listing(keep=keep)


def prices(world: StripeWorld, query: Query) -> Listing:
    """Active prices unless `active` says otherwise; inline ones never."""
    active = query.flag("active")
    keys = query.many("lookup_keys")
    product, currency = query.text("product"), query.text("currency")
    of_type = query.one_of("type", ("one_time", "recurring"))
    interval = query.one_of("recurring[interval]", ("day", "month", "week", "year"))
    usage = query.one_of("recurring[usage_type]", ("licensed", "metered"))

    def keep(row: Json) -> bool:
        recurring = row["recurring"] or {"interval": "", "usage_type": ""}
        return (
            row["id"] not in world.inline_prices
            and row["active"] is (active is not False)
            and (not keys or row["lookup_key"] in keys)
            and currency in (None, row["currency"])
            and of_type in (None, row["type"])
            and interval in (None, recurring["interval"])
            and usage in (None, recurring["usage_type"])
        )

    return Listing(where=None if product is None else ("product", product), keep=keep)


def products(_: StripeWorld, query: Query) -> Listing:
    """Products, active and archived alike unless `active` is given."""
    active = query.flag("active")
    ids = query.many("ids")

    def keep(row: Json) -> bool:
        return active in (None, row["active"]) and (not ids or row["id"] in ids)

    return Listing(keep=keep)


def invoices(world: StripeWorld, query: Query) -> Listing:
    """Invoices of a customer or subscription, or all."""
    customer = _named(world, query, "customer")
    subscription = _named(world, query, "subscription")
    status = query.one_of("status", _INVOICE_STATUSES)
    method = query.one_of("collection_method", _COLLECTION_METHODS)
    due = query.span("due_date")
    owner = customer if subscription is None else world.get("subscription", subscription)["customer"]

    def keep(row: Json) -> bool:
        billed = row["parent"] and row["parent"]["subscription_details"]["subscription"]
        return (
            customer in (None, row["customer"])
            and subscription in (None, billed)
            and status in (None, row["status"])
            and method in (None, row["collection_method"])
            and _within(due, row["due_date"])
        )

    return Listing(where=None if owner is None else ("customer", owner), keep=keep)


def coupons(_world: StripeWorld, _query: Query) -> Listing:
    """All coupons."""
    return Listing(keep=lambda _: True)


def _named(world: StripeWorld, query: Query, param: str, *, kind: str | None = None) -> str | None:
    object_id = query.text(param)
    if object_id is not None and object_id not in world.tables[kind or param].rows:
        raise missing(kind or param, object_id, param=param)
    return object_id


def _status_kept(status: str, wanted: str | None) -> bool:
    match wanted:
        case None:
            return status != "canceled"
        case "all":
            return True
        case "ended":
            return status in _ENDED
        case _:
            return status == wanted


def _clock_kept(row: Json, clock: str | None, customer: str | None) -> bool:
    return row["test_clock"] == clock or (clock is None and customer is not None)


def _within(span: Span, instant: int | None) -> bool:
    return span == Span() or (instant is not None and span.holds(instant))
