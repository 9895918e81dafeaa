"""The catalogue's rows of price, and of what a reading or a writing itself ran into."""

from __future__ import annotations

from functools import partial

from reconciler.model.drift import Code, Decided, Severity
from reconciler.rules.row import EVERYTHING, LEAK, LOWERING, VARIANCE, Row, Rows, Stage

_price = partial(Row, default=Decided.FLAG, severity=Severity.MEDIUM, stage=Stage.PRICE, money=(VARIANCE,))
_ok = partial(Row, default=Decided.OK, severity=Severity.INFO, stage=Stage.FACT, money=(VARIANCE,))
_hold = partial(Row, default=Decided.HOLD, severity=Severity.HIGH, stage=Stage.HOLD, stops=EVERYTHING, priced=False)
_writing = partial(Row, default=Decided.FLAG, severity=Severity.HIGH, stage=Stage.FIX, stops=EVERYTHING)

PRICE_ROWS: Rows = {
    Code.CONTRACT_EXPIRED: _price(
        when="a contract or comp is past its end, and the organisation is still entitled",
        text="The agreement for {has} is over, but the organisation still has it: {detail}.",
        remedy="Sales: renew it with `reconcile contract add`, start a subscription, or lower the tier by hand.",
        severity=Severity.HIGH,
        stage=Stage.CONTRACT,
        money=(LEAK,),
    ),
    Code.BASE_AMBIGUOUS: _price(
        when="two base items of one subscription mean different tiers",
        text="One subscription has items of more than one tier, of which the highest counts: {detail}.",
        remedy="Finance: leave one base item in the subscription, or name the other under [catalog] not_tiers.",
        stage=Stage.DOUBT,
        money=(),
        priced=False,
        stops=LOWERING,
    ),
    Code.CURRENCY_DIFFERS: _price(
        when="the sides bill in different currencies; nothing is converted to decide",
        text="Lago and Stripe bill this organisation in different currencies: {detail}.",
        remedy="Finance: find out which currency was agreed, and correct the other side.",
        severity=Severity.HIGH,
        stage=Stage.DOUBT,
        money=(),
        priced=False,
    ),
    Code.PRICE_OVERRIDE: _price(
        when="the tier is right, but the unit amount before discounts is neither the list price nor a legacy one, and "
        "there is no contract",
        text="The tier is right, but its price is not the list price: {detail}.",
        remedy="Finance: correct the price in billing; an older price goes under `legacy` of the tier, an agreed one "
        "into `reconcile contract add`.",
    ),
    Code.INTERVAL_DIFFERS: _price(
        when="both sides must agree, and one bills by another interval than the other",
        text="Lago and Stripe bill by different intervals: {detail}.",
        remedy="Finance: find out what was sold, and correct the other side.",
    ),
    Code.AMOUNT_DIFFERS: _price(
        when="both sides must agree: the same tier, another monthly amount",
        text="Lago and Stripe bill different amounts for the same tier: {detail}.",
        remedy="Finance: find out what was agreed, and correct the other side.",
    ),
    Code.DISCOUNTED: _ok(
        when="a recurring discount below 100 %",
        text="A recurring discount is taken off the price: {detail}.",
        remedy="Nothing to do; the discount is in the variance.",
    ),
    Code.CONTRACT_OK: _ok(
        when="within a contract",
        text="A contract grants the tier: {detail}.",
        remedy="Nothing to do; `reconcile contract list` shows when it ends.",
    ),
    Code.GRANDFATHERED: _ok(
        when="a legacy price of the same tier",
        text="The subscription has an older price of the same tier: {detail}.",
        remedy="Nothing to do; older prices are named under `legacy` of the tier.",
    ),
}

PROCESS_ROWS: Rows = {
    Code.RECORD_INVALID: _hold(
        when="the store's record cannot be read, or the application's own validation would refuse it and so see an "
        "EMPTY store",
        text="The store's record is not sound: {detail}.",
        remedy="At once, whoever runs the application: correct this record in the store by hand; until then every "
        "save of the application may wipe the store.",
        severity=Severity.CRITICAL,
    ),
    Code.SNAPSHOT_INCOMPLETE: _hold(
        when="the source that decides this organisation was not read whole; what was seen still raises",
        text="Nothing was concluded, because a source that decides was not read whole: {detail}.",
        remedy="Whoever runs the reconciler: see the source's problem at the top of the report; the next whole run "
        "judges anew.",
    ),
    Code.STATUS_UNKNOWN: _hold(
        when="the status of the organisation or of a subscription is outside the known vocabulary",
        text="A status is not known, so nothing was concluded: {detail}.",
        remedy="Whoever runs the reconciler: see what that status means; a newer version may know it.",
    ),
    Code.TIER_UNRESOLVABLE: _hold(
        when="no item of a granting side's live subscriptions means a tier, or the organisation's own tier is not in "
        "the catalog; it keeps its tier",
        text="What the organisation has or pays for is not in the catalog: {detail}.",
        remedy="Whoever runs the reconciler: name it under [tiers] or [catalog] not_tiers in the configuration.",
    ),
    Code.UNCLASSIFIED: _hold(
        when="no row of the catalogue covers it",
        text="No rule covers this case yet, so nothing was concluded: {detail}.",
        remedy="Support: look at the organisation and its subscriptions by hand.",
    ),
    Code.FIX_FAILED: _writing(
        when="a write was refused, or reading it back showed something else",
        text="A fix could not be written: {detail}.",
        remedy="Whoever runs the reconciler: see the error (`reconcile explain {org}`), and mend the store or set the "
        "value by hand.",
    ),
    Code.FIX_NOT_STICKING: _writing(
        when="the same fix was undone by another writer three times in seven days",
        text="A fix does not last, since somebody else undoes it: {detail}.",
        remedy="Whoever runs the application: find out what writes this field, and stop the one or the other.",
    ),
}
