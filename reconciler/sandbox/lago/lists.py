"""The sandbox Lago's lists: which query parameters count, which are ignored, and how pages are cut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from reconciler.sandbox.lago.answers import crashed, invalid, not_found
from reconciler.sandbox.lago.rows import AppliedCoupon, Customer, Invoice, Subscription, SubscriptionStatus
from reconciler.sandbox.lago.store import Store

_DEFAULT_PER_PAGE = 100
_FALLBACK_PER_PAGE = 25  # of the paging library, when per_page is no number
_COUNT_KEPT = timedelta(minutes=30)
_LARGEST_OFFSET = 2**63 - 1  # the database refuses more, the server answers 500
Row = TypeVar("Row")

_STATUSES = frozenset(SubscriptionStatus)
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query string as Rails reads it: the last of equal scalar keys wins, `key[]` collects, `key[name]` maps."""

    scalars: Mapping[str, str]
    arrays: Mapping[str, list[str]]
    maps: Mapping[str, Mapping[str, str]]

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read what stands behind the question mark."""
        scalars: dict[str, str] = {}
        arrays: dict[str, list[str]] = {}
        maps: dict[str, dict[str, str]] = {}
        for key, value in parse_qsl(text, keep_blank_values=True):
            shape = re.fullmatch(r"([^\[]+)\[([^\]]*)\]", key)
            if shape is None:
                scalars[key] = value
            elif shape[2]:
                maps.setdefault(shape[1], {})[shape[2]] = value
            else:
                arrays.setdefault(shape[1], []).append(value)
        return cls(scalars=scalars, arrays=arrays, maps=maps)

    def either(self, key: str) -> list[str]:
        """The values of a filter that takes a scalar and an array alike; empty when it is not given."""
        return self.arrays.get(key) or ([self.scalars[key]] if self.scalars.get(key) else [])

    def truth(self, key: str) -> bool | None:
        """A boolean filter, None when it is not given; raises the 422 of a value that is none."""
        if not self.scalars.get(key):
            return None
        if self.scalars[key] not in _TRUTH:
            raise invalid({key: ["must be boolean"]})
        return _TRUTH[self.scalars[key]]


class InvoiceCounts:
    """The counts of invoice lists as a real server keeps them: 30 minutes a query, renewed on what seems the end."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._kept: dict[str, tuple[datetime, int]] = {}

    def total(self, path: str, query: Query, count: int, now: datetime) -> int:
        """What `meta` says for this query when `count` is the truth; it may lag behind."""
        key = f"{path} {sorted(query.scalars.items() - {('page', query.scalars.get('page', ''))})} {query.arrays}"
        until, kept = self._kept.get(key, (now, 0))
        seen = _number(query.scalars.get("page")) * _per_page(query.scalars.get("per_page"))
        if now < until and kept > seen:
            return kept
        self._kept[key] = (now + _COUNT_KEPT, count)
        return count


def page(
    name: str, rows: Sequence[Row], query: Query, view: Callable[[Row], dict[str, Any]], total: int | None = None
) -> dict[str, Any]:
    """One page of `rows` under `name`, with `meta`; only the rows of the page are turned into JSON.

    `total` is what `meta` says instead of the number of rows.
    """
    size, number = _per_page(query.scalars.get("per_page")), _number(query.scalars.get("page"))
    count = len(rows) if total is None else total
    if (count and size == 0) or (number - 1) * size > _LARGEST_OFFSET:
        raise crashed()
    pages = -(-count // size) if count else 0
    meta: dict[str, int | None] = {
        "current_page": number if count else 0,
        "next_page": number + 1 if number < pages else None,
        "prev_page": number - 1 if count and number > 1 else None,
        "total_pages": pages,
        "total_count": count,
    }
    start = (number - 1) * size
    return {name: [view(row) for row in rows[start : start + size]], "meta": meta}


def _per_page(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PER_PAGE
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else _FALLBACK_PER_PAGE


def _number(text: str | None) -> int:
    digits = re.match(r"\d+", text or "")
    return max(1, int(digits[0])) if digits else 1


def customers(store: Store, query: Query, billing_entity: str) -> list[Customer]:
    """The customers that are not deleted, newest first."""
    _refuse_unknown_entities(query, billing_entity)
    wrong = {
        str(place): ["must be one of: customer, partner"]
        for place, value in enumerate(query.arrays.get("account_type", []))
        if value not in ("customer", "partner")
    }
    if wrong:
        raise invalid({"account_type": wrong})
    rows: Iterable[Customer] = (row for row in store.customers if row.deleted_at is None)
    if external_id := query.scalars.get("external_id"):
        rows = (row for row in rows if row.external_id == external_id)
    if term := query.scalars.get("search_term", "").lower():
        rows = (row for row in rows if any(term in text.lower() for text in _searchable(row)))
    if "customer" not in query.arrays.get("account_type", ["customer"]):
        rows = ()  # partners need a licence
    if currencies := query.arrays.get("currencies"):
        rows = (row for row in rows if row.currency in currencies)
    if wanted := query.maps.get("metadata"):
        rows = (row for row in rows if _has_metadata(row, wanted))
    return list(rows)


def _searchable(row: Customer) -> list[str]:
    names = ("name", "firstname", "lastname", "legal_name", "email")
    return [row.external_id, *(str(row.fields.get(key) or "") for key in names)]


def _has_metadata(row: Customer, wanted: Mapping[str, str]) -> bool:
    held = {entry.key: entry.value for entry in row.metadata}
    return all(held.get(key, "") == value for key, value in wanted.items())


def subscriptions(
    store: Store, query: Query, billing_entity: str, customer: Customer | None = None
) -> list[Subscription]:
    """Subscriptions by `status[]` and the exact filters; those of deleted customers too, unless one is named."""
    _refuse_unknown_entities(query, billing_entity)
    rows: Iterable[Subscription] = store.subscriptions
    given = query.scalars
    if customer is None and "external_customer_id" in given:
        customer = store.customer(given["external_customer_id"])
        if customer is None:
            return []
    if customer is not None:
        rows = (row for row in rows if row.customer is customer)
    if "external_id" in given:
        rows = (row for row in rows if row.external_id == given["external_id"])
    if "plan_code" in given:
        rows = (row for row in rows if row.plan.code == given["plan_code"])
    if currency := given.get("currency"):
        rows = (row for row in rows if row.plan.amount_currency == currency)
    overridden = _TRUTH.get(
        given.get("overridden") or given.get("overriden", "")
    )  # the second is Lago's older spelling
    if overridden is not None:
        rows = (row for row in rows if (row.plan.parent is not None) is overridden)
    statuses = query.arrays.get("status", ["active"])
    if all(status in _STATUSES for status in statuses):  # one unknown value switches the filter off
        rows = (row for row in rows if row.status in statuses)
    return list(rows)


def invoices(store: Store, query: Query, billing_entity: str, customer: Customer | None = None) -> list[Invoice]:
    """Invoices by the exact filters, newest issuing date first."""
    _refuse_unknown_entities(query, billing_entity)
    rows: Iterable[Invoice] = store.invoices
    if customer is not None:
        rows = (row for row in rows if row.customer is customer)
    if external_id := query.scalars.get("external_customer_id"):
        rows = (row for row in rows if row.customer.external_id == external_id)
    overdue, self_billed = query.truth("payment_overdue"), query.truth("self_billed")
    if overdue is not None:
        rows = (row for row in rows if row.payment_overdue is overdue)
    if self_billed is not None:
        rows = (row for row in rows if row.self_billed is self_billed)
    if query.scalars.get("payment_dispute_lost"):  # any text counts as true, "false" too
        rows = (row for row in rows if row.payment_dispute_lost_at is not None)
    for key in ("payment_status", "status", "invoice_type", "currency"):
        if values := query.either(key):
            rows = [row for row in rows if getattr(row, key) in values]
    if since := _day(query, "issuing_date_from"):
        rows = (row for row in rows if row.issuing_date >= since)
    if until := _day(query, "issuing_date_to"):
        rows = (row for row in rows if row.issuing_date <= until)
    return list(rows)


def _day(query: Query, key: str) -> date | None:
    text = query.scalars.get(key)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise invalid({key: ["invalid_date"]}) from None


def applied_coupons(store: Store, query: Query, customer: Customer | None = None) -> list[AppliedCoupon]:
    """Applied coupons of customers that are not deleted, newest first; an unknown status is ignored."""
    rows: Iterable[AppliedCoupon] = (row for row in store.applied_coupons if row.customer.deleted_at is None)
    if customer is not None:
        rows = (row for row in rows if row.customer is customer)
    if external_id := query.scalars.get("external_customer_id"):
        rows = (row for row in rows if row.customer.external_id == external_id)
    if (status := query.scalars.get("status")) in ("active", "terminated"):
        rows = (row for row in rows if row.status == status)
    if codes := query.either("coupon_code"):
        rows = (row for row in rows if row.coupon_code in codes)
    return list(rows)


def _refuse_unknown_entities(query: Query, billing_entity: str) -> None:
    if any(code != billing_entity for code in query.arrays.get("billing_entity_codes", [])):
        raise not_found("billing_entity")
