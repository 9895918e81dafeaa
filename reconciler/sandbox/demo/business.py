"""The business behind the demo: its plans and prices, its store's records, and one organisation made at a time."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.stripe import StripeSandbox

LAGO_KEY = "3f1c9a52-demo-0000-0000-lago"
STRIPE_KEY = "rk_test_demo"

UNPAID = "founders_friend"
MONTHLY = {"starter": 4900, "professional": 9900, "enterprise": 49900}
READS = (
    "rak_customer_read",
    "rak_subscription_read",
    "rak_coupon_read",
    "rak_plan_read",
    "rak_invoice_read",
    "rak_subscription_schedule_read",
)
_DAY = timedelta(days=1)
_FIRST = (
    "Amber",
    "Birch",
    "Cobalt",
    "Delta",
    "Ember",
    "Fjord",
    "Granite",
    "Harbor",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Lumen",
    "Meadow",
    "Nimbus",
    "Orchard",
    "Pebble",
    "Quartz",
    "River",
    "Saffron",
    "Timber",
)
_SECOND = (
    "Analytics",
    "Bakery",
    "Clinic",
    "Design",
    "Energy",
    "Freight",
    "Games",
    "Hotels",
    "Insurance",
    "Journal",
    "Kitchens",
    "Labs",
    "Media",
    "Nursery",
    "Optics",
    "Press",
    "Robotics",
    "Studio",
    "Travel",
    "Works",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """How one organisation pays on one side: for which tier, in which currency, by the month or by the year."""

    tier: str
    currency: str = "usd"
    yearly: bool = False


class Business:
    """Both sandboxes and the store's records, filled organisation by organisation; equal calls, equal business."""

    def __init__(self, now: datetime) -> None:
        """Open for business with plans and prices, and nobody billed yet."""
        self.now = now
        self.lago = LagoSandbox(api_key=LAGO_KEY, clock=lambda: now)
        self.stripe = StripeSandbox(
            api_key="sk_test_demo_owner",
            restricted_keys={STRIPE_KEY: READS},
            clock=lambda: now,
        )
        self.records: dict[str, dict[str, Any]] = {}
        self._lago_customers: set[str] = set()
        long_ago = now - 800 * _DAY
        self.lago.add_plan(UNPAID, amount_cents=0, created_at=long_ago)
        for tier, month in MONTHLY.items():
            product = self.stripe.add_product(tier.title(), created=long_ago)
            for currency in ("usd", "eur"):
                for yearly, amount in ((False, month), (True, month * 10)):
                    paying = Paying(tier=tier, currency=currency, yearly=yearly)
                    self.lago.add_plan(
                        plan_code(paying),
                        amount_cents=amount,
                        currency=currency.upper(),
                        interval="yearly" if yearly else "monthly",
                        created_at=long_ago,
                    )
                    self.stripe.add_price(
                        product,
                        unit_amount=amount,
                        currency=currency,
                        interval="year" if yearly else "month",
                        fixed_id=price_id(paying),
                        created=long_ago,
                    )

    def add_record(self, tier: str, *, status: str = "active") -> str:
        """An organisation in the store, billed nowhere yet; returns its id."""
        number = len(self.records)
        org_id = f"org_{uuid.uuid5(uuid.NAMESPACE_URL, f'demo/{number}')}"
        cycle = number // (len(_FIRST) * len(_SECOND))
        name = f"{_FIRST[number % 20]} {_SECOND[(7 * number + number // 20) % 20]}" + (f" {cycle + 1}" if cycle else "")
        created = (self.now - (60 + number % 700) * _DAY).replace(tzinfo=None, microsecond=123456)
        self.records[org_id] = {
            "id": org_id,
            "name": name,
            "created_at": str(created),
            "plan_tier": tier,
            "lago_customer_id": None,
            "stripe_customer_id": None,
            "status": status,
        }
        return org_id

    def bill_in_lago(self, org_id: str, paying: Paying, *, ended: timedelta | None = None, **customer: Any) -> str:
        """A Lago subscription, with its customer if there is none yet; `ended` ago it was terminated. Its lago_id."""
        if org_id not in self._lago_customers:
            self.lago.add_customer(
                org_id,
                name=self.records[org_id]["name"],
                currency=paying.currency.upper(),
                created_at=self._born(org_id),
                **customer,
            )
            self._lago_customers.add(org_id)
        code = plan_code(paying) if paying.tier in MONTHLY else paying.tier
        born = self._born(org_id)
        row = self.lago.add_subscription(
            org_id,
            code,
            external_id=f"{org_id}_{code}_{int(born.timestamp())}",
            status="terminated" if ended else "active",
            started_at=born,
            subscription_at=born,
            created_at=born,
            terminated_at=self.now - ended if ended else None,
        )
        return row.lago_id

    def bill_in_stripe(
        self,
        customer: str,
        paying: Paying,
        *,
        price: str = "",
        canceled: timedelta | None = None,
        paid_until: datetime | None = None,
    ) -> str:
        """A Stripe subscription; `canceled` ago with its period up to `paid_until`. Returns its id."""
        end = paid_until or self.now + 12 * _DAY
        return self.stripe.add_subscription(
            customer,
            prices=[price or price_id(paying)],
            created=self.now - 55 * _DAY,
            period_start=end - 30 * _DAY,
            period_end=end,
            status="canceled" if canceled else "active",
            canceled_at=self.now - canceled if canceled else None,
            ended_at=self.now - canceled if canceled else None,
            cancellation_reason="cancellation_requested" if canceled else None,
        )

    def stripe_customer(self, org_id: str | None, *, recorded: bool = True) -> str:
        """A Stripe customer whose metadata names the organisation, and whose id the store has if `recorded`."""
        customer = self.stripe.add_customer(metadata={"org_id": org_id} if org_id else {}, created=self.now - 56 * _DAY)
        if org_id and recorded:
            self.records[org_id]["stripe_customer_id"] = customer
        return customer

    def write_store(self, folder: Path) -> None:
        """Write both files of the store as the application does: indented by 2, ASCII only."""
        folder.mkdir(parents=True, exist_ok=True)
        users = {
            org_id: [{"org_id": org_id, "user_id": f"user_{number}", "role": "owner", "joined_at": row["created_at"]}]
            for number, (org_id, row) in enumerate(self.records.items())
        }
        for name, content in (("organizations.json", self.records), ("org_users.json", users)):
            (folder / name).write_text(json.dumps(content, indent=2) + os.linesep, encoding="ascii")

    def tiers_toml(self) -> str:
        """The [tiers] sections of a configuration that knows this business's plans and prices."""
        sections = [f'[tiers.{UNPAID}]\nrank = 0\npaid = false\nlago_plans = ["{UNPAID}"]\n']
        for rank, (tier, month) in enumerate(MONTHLY.items(), start=1):
            ways = [Paying(tier=tier, currency=c, yearly=y) for c in ("usd", "eur") for y in (False, True)]
            amounts = f"{{ month = {month}, year = {month * 10} }}"
            sections.append(
                f"[tiers.{tier}]\nrank = {rank}\n"
                f"lago_plans = {_toml_list([plan_code(way) for way in ways])}\n"
                f"stripe_prices = {_toml_list([price_id(way) for way in ways])}\n"
                f"price = {{ usd = {amounts}, eur = {amounts} }}\n"
            )
        return "\n".join(sections)

    def _born(self, org_id: str) -> datetime:
        row: Mapping[str, Any] = self.records[org_id]
        return datetime.fromisoformat(row["created_at"]).replace(tzinfo=self.now.tzinfo, microsecond=0)


def plan_code(paying: Paying) -> str:
    """The Lago plan code of a way to pay."""
    suffix = "" if paying.currency == "usd" else f"_{paying.currency}"
    return f"{paying.tier}_{'yearly' if paying.yearly else 'monthly'}{suffix}"


def price_id(paying: Paying) -> str:
    """The Stripe price id of a way to pay."""
    return f"price_{plan_code(paying)}"


def _toml_list(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
