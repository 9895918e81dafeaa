"""Plan writes of the sandbox Lago: create and change, with the checks of a real server."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.lago.answers import invalid
from reconciler.sandbox.lago.periods import INTERVALS
from reconciler.sandbox.lago.rows import Plan
from reconciler.sandbox.lago.store import Store

_CHANGEABLE = ("name", "invoice_display_name", "description", "amount_cents", "amount_currency", "bill_charges_monthly")


def create(store: Store, body: dict[str, Any]) -> Plan:
    """A new plan; every check that fails is named in one 422."""
    wrong: dict[str, Any] = {}
    for key in ("name", "code"):
        if not body.get(key):
            wrong[key] = ["value_is_mandatory"]
    if body.get("code") and store.plan(body["code"]):
        wrong["code"] = ["value_already_exist"]
    if body.get("interval") not in INTERVALS:
        wrong["interval"] = ["value_is_invalid"]
    if not isinstance(body.get("amount_cents"), int):
        wrong["amount_cents"] = wrong["amount"] = ["is not a number"]
    if not body.get("amount_currency"):
        wrong["amount_currency"] = ["value_is_invalid"]
    if not isinstance(body.get("pay_in_advance"), bool):
        wrong["pay_in_advance"] = ["value_is_invalid"]
    if wrong:
        raise invalid(wrong)
    return new_plan(store, **{key: body[key] for key in _TAKEN if key in body})


_TAKEN = (
    *_CHANGEABLE,
    "code",
    "interval",
    "pay_in_advance",
    "trial_period",
)


def new_plan(store: Store, *, interval: str, trial_period: float | None = None, **given: Any) -> Plan:
    """A plan, kept in the store; long plans say whether usage is billed monthly, the others do not."""
    if interval in ("yearly", "semiannual"):
        given["bill_charges_monthly"] = bool(given.get("bill_charges_monthly"))
    given.setdefault("created_at", store.now())
    trial = None if trial_period is None else float(trial_period)
    plan = Plan(lago_id=store.new_id(), interval=interval, trial_period=trial, **given)
    store.plans.add(plan)
    return plan


def update(plan: Plan, body: dict[str, Any]) -> None:
    """Change the keys that are given."""
    for key in _CHANGEABLE:
        if key in body:
            setattr(plan, key, body[key])
