"""Addresses of the screens on which a person sees what a drift is about: Stripe's dashboard and Lago's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.reports.background import Background

_STRIPE_PATHS = {"cus": "customers", "sub": "subscriptions"}
# What Stripe makes ids of; anything else is no id of Stripe's and gets no link.
_STRIPE_ID = re.compile(r"(cus|sub)_[A-Za-z0-9]{4,64}")
_LAGO_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Empty where there is no screen to show."""

    stripe: str = ""
    lago: str = ""


def links_of(evidence: Mapping[str, Any], beside: Background) -> Links:
    """The first subscription or customer of each side that the evidence names."""
    return Links(
        stripe=_stripe(_ids(evidence.get("stripe")), beside),
        lago=_lago(_customers(evidence.get("lago")), beside.lago_app_url),
    )


def _stripe(ids: list[str], beside: Background) -> str:
    for each in ids:
        if _STRIPE_ID.fullmatch(each):
            account = f"/{quote(beside.stripe_account, safe='')}" if beside.stripe_account else ""
            mode = "/test" if beside.livemode is False else ""
            return f"https://dashboard.stripe.com{account}{mode}/{_STRIPE_PATHS[each[:3]]}/{each}"
    return ""


def _lago(ids: list[str], app_url: str) -> str:
    for each in ids:
        if app_url and _LAGO_ID.fullmatch(each):
            return f"{app_url.rstrip('/')}/customer/{each}"
    return ""


def _ids(side: object) -> list[str]:
    return [*_named(side, "subscription"), *_customers(side)]


def _customers(side: object) -> list[str]:
    named = side.get("customers") if isinstance(side, Mapping) else None
    return [*_named(side, "customer"), *(named if isinstance(named, Mapping) else ())]


def _named(side: object, what: str) -> list[str]:
    if not isinstance(side, Mapping):
        return []
    rows = [row for name in ("live", "paid_through", "ended", "free") for row in side.get(name) or ()]
    return [row[what] for row in rows if isinstance(row, Mapping) and isinstance(row.get(what), str)]
