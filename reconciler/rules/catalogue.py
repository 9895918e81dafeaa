"""The catalogue of drift codes: one row for each says when it is, what is done by default, and what a person does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconciler.model.drift import Code, Decided, Direction, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What holds for every drift of one code (drift_codes.md).

    `text` and `remedy` are templates over the fields `org`, `has`, `due`, `detail`. `stage` is the place in the order
    of judging: of an organisation's drifts the one with the lowest stage is primary. `stops_raise` and `stops_lower`
    say whether a drift of this code, listed beside a fix of the same organisation, forbids it.
    """

    text: str
    remedy: str
    default: Decided
    severity: Severity
    stage: int
    direction: Direction | None = None
    stops_raise: bool = False
    stops_lower: bool = False


_HOLDS, _IDENTITY, _WAITS, _FIXES, _LINKS, _OK = 10, 20, 40, 60, 80, 90


def _hold(text: str, remedy: str, severity: Severity = Severity.HIGH) -> Row:
    return Row(
        text=text,
        remedy=remedy,
        default=Decided.HOLD,
        severity=severity,
        stage=_HOLDS,
        stops_raise=True,
        stops_lower=True,
    )


CATALOGUE: Mapping[Code, Row] = MappingProxyType(
    {
        Code.TIER_UNDER: Row(
            text="The organisation has {has} but pays for {due}.",
            remedy="Nothing to do where fixing is on; else set the tier to {due} in the application.",
            default=Decided.FIX,
            severity=Severity.CRITICAL,
            stage=_FIXES,
            direction=Direction.RAISE,
            stops_lower=True,
        ),
        Code.PAID_NOT_REFLECTED: Row(
            text="The organisation pays for {due} but has the unpaid tier {has}.",
            remedy="Nothing to do where fixing is on; else set the tier to {due} in the application.",
            default=Decided.FIX,
            severity=Severity.CRITICAL,
            stage=_FIXES,
            direction=Direction.RAISE,
            stops_lower=True,
        ),
        Code.TIER_OVER: Row(
            text="The organisation has {has} but pays for {due} only.",
            remedy="Nothing to do where lowering is on; else set the tier to {due}, or sell {has} in billing.",
            default=Decided.FIX,
            severity=Severity.HIGH,
            stage=_FIXES,
            direction=Direction.LOWER,
        ),
        Code.ENDED_STILL_ENTITLED: Row(
            text="The subscription to {has} ended and what was paid is used up, but the organisation still has {has}.",
            remedy="Nothing to do where lowering is on; else set the tier to {due}, or start a new subscription.",
            default=Decided.FIX,
            severity=Severity.HIGH,
            stage=_FIXES,
            direction=Direction.LOWER,
        ),
        Code.PAID_TIER_NO_BILLING: Row(
            text="The organisation has {has}, but no subscription to it, live or ended, was found.",
            remedy="Sales or finance: find out why it has {has}; start a subscription in billing, link the right "
            "customer to the organisation, or lower the tier by hand.",
            default=Decided.FLAG,
            severity=Severity.HIGH,
            stage=_FIXES,
            stops_lower=True,
        ),
        Code.BILLING_DISAGREES: Row(
            text="Lago and Stripe both have a live subscription but for different tiers: {detail}.",
            remedy="Support: ask which tier the customer bought, then correct the other side in its own screens.",
            default=Decided.FLAG,
            severity=Severity.HIGH,
            stage=_FIXES,
            stops_raise=True,
            stops_lower=True,
        ),
        Code.SIDE_MISSING: Row(
            text="Both sides must agree, but only one has a live subscription: {detail}.",
            remedy="Support: start the subscription on the side that has none, or link its customer to the "
            "organisation, or end the one that is alone.",
            default=Decided.FLAG,
            severity=Severity.HIGH,
            stage=_FIXES,
            stops_raise=True,
            stops_lower=True,
        ),
        Code.UNEXPECTED_SIDE: Row(
            text="The only live subscription is on a side that does not grant tiers: {detail}.",
            remedy="Finance: move the subscription to the granting side, or name this organisation in "
            "[billing.authority_of].",
            default=Decided.FLAG,
            severity=Severity.HIGH,
            stage=_FIXES,
            stops_lower=True,
        ),
        Code.SUSPENDED_BUT_PAYING: Row(
            text="The organisation is suspended, but a subscription to {due} is live.",
            remedy="Support: find out who suspended it and why; set it active again, or end the subscription and "
            "refund.",
            default=Decided.FLAG,
            severity=Severity.CRITICAL,
            stage=_FIXES,
            stops_lower=True,
        ),
        Code.CANCELED_PAID_THROUGH: Row(
            text="The subscription was canceled and is paid until {detail}; the organisation keeps {has} until then.",
            remedy="Nothing to do; sales may want to call before that date.",
            default=Decided.WAIT,
            severity=Severity.INFO,
            stage=_WAITS,
            stops_lower=True,
        ),
        Code.DUPLICATE_SUBSCRIPTION: Row(
            text="The customer has more than one live paid subscription: {detail}.",
            remedy="Finance: end the one that was replaced (the cheaper, where an upgrade left it) and refund what it "
            "took since.",
            default=Decided.FLAG,
            severity=Severity.CRITICAL,
            stage=_IDENTITY,
            stops_lower=True,
        ),
        Code.LEFTOVER_FREE_SUBSCRIPTION: Row(
            text="A free subscription is left beside the paid one: {detail}.",
            remedy="Nothing to do; it takes no money.",
            default=Decided.OK,
            severity=Severity.INFO,
            stage=_OK,
        ),
        Code.DOUBLE_BILLED: Row(
            text="Lago and Stripe both collect for this organisation by themselves: {detail}.",
            remedy="Finance: end the subscription on one side and refund what it took since the other began.",
            default=Decided.FLAG,
            severity=Severity.CRITICAL,
            stage=_IDENTITY,
            stops_lower=True,
        ),
        Code.LINK_MISSING: Row(
            text="The organisation's customer was found by its own id but is not recorded: {detail}.",
            remedy="Nothing to do where fixing is on; else record the id in the application.",
            default=Decided.FIX,
            severity=Severity.LOW,
            stage=_LINKS,
            direction=Direction.LINK,
        ),
        Code.LINK_OTHER_FORM: Row(
            text="The recorded id is another known id of the organisation's own customer: {detail}.",
            remedy="Nothing to do; every known form is understood.",
            default=Decided.OK,
            severity=Severity.INFO,
            stage=_OK,
        ),
        Code.ID_SHARED: Row(
            text="One customer is claimed by more than one organisation: {detail}.",
            remedy="Support: find out whose customer it is and take its id off the other organisations; nothing about "
            "them is repaired until then.",
            default=Decided.FLAG,
            severity=Severity.CRITICAL,
            stage=_IDENTITY,
            stops_raise=True,
            stops_lower=True,
        ),
        Code.ORPHAN_PAYER: Row(
            text="A customer pays for {due}, but no organisation claims it: {detail}.",
            remedy="Support: find the organisation and record the customer's id there, or end the subscription and "
            "refund.",
            default=Decided.FLAG,
            severity=Severity.CRITICAL,
            stage=_IDENTITY,
        ),
        Code.TIER_UNRESOLVABLE: Row(
            text="What the organisation has or pays for is not in the catalog: {detail}.",
            remedy="Whoever runs the reconciler: name it under [tiers] or [catalog] not_tiers in the configuration.",
            default=Decided.HOLD,
            severity=Severity.HIGH,
            stage=_HOLDS,
            stops_raise=True,
            stops_lower=True,
        ),
        Code.SNAPSHOT_INCOMPLETE: _hold(
            "Nothing was concluded, because a source that decides was not read whole: {detail}.",
            "Whoever runs the reconciler: see the source's problem at the top of the report; the next whole run judges "
            "anew.",
        ),
        Code.RECORD_INVALID: _hold(
            "The store's record is not sound: {detail}.",
            "At once, whoever runs the application: correct this record in the store by hand; until then every save of "
            "the application may wipe the store.",
            Severity.CRITICAL,
        ),
        Code.UNCLASSIFIED: _hold(
            "No rule covers this case yet, so nothing was concluded: {detail}.",
            "Support: look at the organisation and its subscriptions by hand.",
        ),
    }
)


def fixable() -> frozenset[Code]:
    """Codes that are fixed by default; policy can make a code stricter, never looser."""
    return frozenset(code for code, row in CATALOGUE.items() if row.default is Decided.FIX)
