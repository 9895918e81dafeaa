"""Holds one Stripe account: its objects by kind, with ids that depend only on the order of the calls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reconciler.sandbox.stripe.objects import Json
from reconciler.sandbox.stripe.table import Table

_FIXED = ("id", "object", "created", "customer", "subscription", "product")


class StripeWorld:
    """One account's objects, by kind."""

    def __init__(self, *, livemode: bool, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Start an empty account."""
        self.livemode = livemode
        self.clock = clock
        self.inline_prices: set[str] = set()
        self._made: dict[str, int] = {}
        self.tables = {
            "product": Table(),
            "price": Table(indexed=("product",)),
            "customer": Table(),
            "coupon": Table(),
            "discount": Table(in_order_added=True),
            "subscription": Table(indexed=("customer",)),
            "subscription_item": Table(indexed=("subscription",), in_order_added=True),
            "subscription_schedule": Table(indexed=("customer",)),
            "invoice": Table(indexed=("customer",)),
        }

    def get(self, kind: str, object_id: str) -> Json:
        """The object as stored, references as ids; KeyError where there is none. Changing it changes the world."""
        return self.tables[kind].rows[object_id]

    def change(self, object_id: str, **fields: Any) -> None:
        """Set top-level fields of any object, datetimes given as such; ValueError for a field it lacks or must keep."""
        row = next((table.rows[object_id] for table in self.tables.values() if object_id in table.rows), None)
        if row is None:
            raise KeyError(object_id)
        for field in fields:
            if field not in row or field in _FIXED:
                raise ValueError(f"{row['object']} has no changeable field {field}")
        if row["object"] == "subscription_item" and "price" in fields:
            fields["plan"] = self.get("price", fields["price"])["id"]  # the legacy plan has its price's id
        row.update({k: self._seconds(v) if isinstance(v, datetime) else v for k, v in fields.items()})

    def _add(self, kind: str, row: Json) -> str:
        self.tables[kind].add(row)
        return str(row["id"])

    def _new_id(self, prefix: str, length: int) -> str:
        number = self._made[prefix] = self._made.get(prefix, 0) + 1
        return prefix + hashlib.sha256(f"{prefix}{number}".encode()).hexdigest()[:length]

    def _seconds(self, instant: datetime | None) -> int:
        """Seconds since the epoch; None is now. ValueError for a naive datetime."""
        instant = self.clock() if instant is None else instant
        if instant.tzinfo is None:
            raise ValueError("datetimes must be aware")
        return int(instant.timestamp())

    def _optional(self, instant: datetime | None) -> int | None:
        return None if instant is None else self._seconds(instant)
