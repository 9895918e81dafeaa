"""The catalogue's rows of price, and of what a reading or a writing itself ran into."""

from __future__ import annotations

from reconciler.model.drift import Code, Decided, Severity
from reconciler.rules.row import EVERYTHING, LEAK, LOWERING, NOTHING, VARIANCE, Column, Row, Rows, Stage


def _price(
    when: str,
    text: str,
    remedy: str,
    *,
    severity: Severity = Severity.MEDIUM,
    stage: Stage = Stage.PRICE,
    money: tuple[Column, ...] = (VARIANCE,),
    priced: bool = True,
    lowers_not: bool = False,
) -> Row:
    stops = LOWERING if lowers_not else NOTHING
    return Row(
        when=when,
        text=text,
        remedy=remedy,
        default=Decided.FLAG,
        severity=severity,
        stage=stage,
        money=money,
        priced=priced,
        stops=stops,
    )


def _ok(when: str, text: str, remedy: str) -> Row:
    return Row(
        when=when,
        text=text,
        remedy=remedy,
        default=Decided.OK,
        severity=Severity.INFO,
        stage=Stage.FACT,
        money=(VARIANCE,),
    )


def _hold(when: str, text: str, remedy: str, severity: Severity = Severity.HIGH) -> Row:
    return Row(
        when=when,
        text=text,
        remedy=remedy,
        default=Decided.HOLD,
        severity=severity,
        stage=Stage.HOLD,
        stops=EVERYTHING,
        priced=False,
    )


def _writing(when: str, text: str, remedy: str) -> Row:
    return Row(
        when=when,
        text=text,
        remedy=remedy,
        default=Decided.FLAG,
        severity=Severity.HIGH,
        stage=Stage.FIX,
        stops=EVERYTHING,
    )


PRICE_ROWS: Rows = {
    Code.CONTRACT_EXPIRED: _price(
        "a contract or comp is past its end, and the organisation is still entitled",
        "The agreement for {has} is over, but the organisation still has it: {detail}.",
        "Sales: renew it with `reconcile contract add`, start a subscription, or lower the tier by hand.",
        severity=Severity.HIGH,
        stage=Stage.CONTRACT,
        money=(LEAK,),
    ),
    Code.BASE_AMBIGUOUS: _price(
        "two base items of one subscription mean different tiers",
        "One subscription has items of more than one tier, of which the highest counts: {detail}.",
        "Finance: leave one base item in the subscription, or name the other under [catalog] not_tiers.",
        stage=Stage.DOUBT,
        money=(),
        priced=False,
        lowers_not=True,
    ),
    Code.CURRENCY_DIFFERS: _price(
        "the sides bill in different currencies; nothing is converted to decide",
        "Lago and Stripe bill this organisation in different currencies: {detail}.",
        "Finance: find out which currency was agreed, and correct the other side.",
        severity=Severity.HIGH,
        stage=Stage.DOUBT,
        money=(),
        priced=False,
    ),
    Code.PRICE_OVERRIDE: _price(
        "the tier is right, but the unit amount before discounts is neither the list price nor a legacy one, and there "
        "is no contract",
        "The tier is right, but its price is not the list price: {detail}.",
        "Finance: correct the price in billing; an older price goes under `legacy` of the tier, an agreed one into "
        "`reconcile contract add`.",
    ),
    Code.INTERVAL_DIFFERS: _price(
        "both sides must agree, and one bills by another interval than the other",
        "Lago and Stripe bill by different intervals: {detail}.",
        "Finance: find out what was sold, and correct the other side.",
    ),
    Code.AMOUNT_DIFFERS: _price(
        "both sides must agree: the same tier, another monthly amount",
        "Lago and Stripe bill different amounts for the same tier: {detail}.",
        "Finance: find out what was agreed, and correct the other side.",
    ),
    Code.DISCOUNTED: _ok(
        "a recurring discount below 100 %",
        "A recurring discount is taken off the price: {detail}.",
        "Nothing to do; the discount is in the variance.",
    ),
    Code.CONTRACT_OK: _ok(
        "within a contract",
        "A contract grants the tier: {detail}.",
        "Nothing to do; `reconcile contract list` shows when it ends.",
    ),
    Code.GRANDFATHERED: _ok(
        "a legacy price of the same tier",
        "The subscription has an older price of the same tier: {detail}.",
        "Nothing to do; older prices are named under `legacy` of the tier.",
    ),
}

PROCESS_ROWS: Rows = {
    Code.RECORD_INVALID: _hold(
        "the store's record cannot be read, or the application's own validation would refuse it and so see an EMPTY "
        "store",
        "The store's record is not sound: {detail}.",
        "At once, whoever runs the application: correct this record in the store by hand; until then every save of "
        "the application may wipe the store.",
        Severity.CRITICAL,
    ),
    Code.SNAPSHOT_INCOMPLETE: _hold(
        "the source that decides this organisation was not read whole; what was seen still raises",
        "Nothing was concluded, because a source that decides was not read whole: {detail}.",
        "Whoever runs the reconciler: see the source's problem at the top of the report; the next whole run judges "
        "anew.",
    ),
    Code.STATUS_UNKNOWN: _hold(
        "the status of the organisation or of a subscription is outside the known vocabulary",
        "A status is not known, so nothing was concluded: {detail}.",
        "Whoever runs the reconciler: see what that status means; a newer version may know it.",
    ),
    Code.TIER_UNRESOLVABLE: _hold(
        "no item of a granting side's live subscriptions means a tier, or the organisation's own tier is not in the "
        "catalog; it keeps its tier",
        "What the organisation has or pays for is not in the catalog: {detail}.",
        "Whoever runs the reconciler: name it under [tiers] or [catalog] not_tiers in the configuration.",
    ),
    Code.UNCLASSIFIED: _hold(
        "no row of the catalogue covers it",
        "No rule covers this case yet, so nothing was concluded: {detail}.",
        "Support: look at the organisation and its subscriptions by hand.",
    ),
    Code.FIX_FAILED: _writing(
        "a write was refused, or reading it back showed something else",
        "A fix could not be written: {detail}.",
        "Whoever runs the reconciler: see the error (`reconcile explain {org}`), and mend the store or set the value "
        "by hand.",
    ),
    Code.FIX_NOT_STICKING: _writing(
        "the same fix was undone by another writer three times in seven days",
        "A fix does not last, since somebody else undoes it: {detail}.",
        "Whoever runs the application: find out what writes this field, and stop the one or the other.",
    ),
}
