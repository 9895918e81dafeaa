"""The catalogue's rows of identity: whose customer it is, and what is billed twice."""

from __future__ import annotations

from reconciler.model.drift import Code, Decided, Severity
from reconciler.rules.row import (
    AT_RISK,
    EVERYTHING,
    LEAK,
    LINK,
    LOWERING,
    OVERBILLED,
    OWED,
    Row,
    Rows,
    Stage,
)

IDENTITY_ROWS: Rows = {
    Code.ID_SHARED: Row(
        when="one customer on two or more organisations, unless each of its live subscriptions names exactly one of "
        "them in its metadata",
        text="One customer is claimed by more than one organisation: {detail}.",
        remedy="Support: find out whose customer it is and take its id off the other organisations; nothing about "
        "them is repaired until then.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.IDENTITY,
        money=(AT_RISK,),
        stops=EVERYTHING,
    ),
    Code.ID_CROSSED: Row(
        when="the organisation leads to a customer whose metadata or external id names another organisation",
        text="The organisation's customer says that it belongs to another organisation: {detail}.",
        remedy="Support: find out whose customer it is; correct its metadata or external id in billing, or record the "
        "right one with `reconcile link {org}`.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.IDENTITY,
        money=(AT_RISK,),
        stops=EVERYTHING,
    ),
    Code.LIVEMODE_DIFFERS: Row(
        when="an object of the other mode (test instead of live, or live instead of test)",
        text="Something of the other mode was read, and left out: {detail}.",
        remedy="Whoever runs the reconciler: check [billing] livemode and the Stripe key; record the right customer "
        "with `reconcile link`.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.IDENTITY,
        stops=LOWERING,
    ),
    Code.DUPLICATE_CUSTOMER: Row(
        when="two customers of one source claim one organisation, and both are live",
        text="Two customers of one source are live for this organisation: {detail}.",
        remedy="Finance: find out which one is the customer's, end the other's subscription and refund what it took.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.IDENTITY,
        money=(OVERBILLED,),
        stops=EVERYTHING,
    ),
    Code.LINK_STALE: Row(
        when="the recorded customer has nothing live, another customer of the same source and organisation has",
        text="The recorded customer has nothing live, but another one of this organisation has: {detail}.",
        remedy="Support: record the customer that pays with `reconcile link {org}`.",
        default=Decided.FLAG,
        severity=Severity.HIGH,
        stage=Stage.IDENTITY,
        money=(LEAK,),
        stops=EVERYTHING,
    ),
    Code.DUPLICATE_SUBSCRIPTION: Row(
        when="one customer has two live base subscriptions to paid tiers",
        text="The customer has more than one live paid subscription: {detail}.",
        remedy="Finance: end the one that was replaced (the cheaper, where an upgrade left it) and refund what it "
        "took since.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.IDENTITY,
        money=(OVERBILLED,),
        stops=LOWERING,
    ),
    Code.DOUBLE_BILLED: Row(
        when="one side would do, and both are live and collect automatically",
        text="Lago and Stripe both collect for this organisation by themselves: {detail}.",
        remedy="Finance: end the subscription on one side and refund what it took since the other began.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.IDENTITY,
        money=(OVERBILLED,),
        stops=LOWERING,
    ),
    Code.CUSTOMER_DELETED: Row(
        when="the customer was deleted in Stripe, or is gone from Lago",
        text="A customer of this organisation was deleted in billing: {detail}.",
        remedy="Support: ask why; record the customer that took its place with `reconcile link {org}`, or lower the "
        "tier by hand.",
        default=Decided.FLAG,
        severity=Severity.HIGH,
        stage=Stage.IDENTITY,
        money=(LEAK, AT_RISK),
        stops=LOWERING,
    ),
    Code.LINK_DEAD: Row(
        when="the recorded id is none of the known forms, and no other key finds a customer; held until two complete "
        "runs saw it",
        text="The recorded id leads to no customer, and nothing else does: {detail}.",
        remedy="Support: find the customer and record it with `reconcile link {org}`; where there is none, lower the "
        "tier by hand.",
        default=Decided.HOLD,
        severity=Severity.HIGH,
        stage=Stage.IDENTITY,
        money=(LEAK,),
        stops=EVERYTHING,
    ),
    Code.LINK_WEAK: Row(
        when="no id leads to a customer with something live, but Lago's payment provider or the subscription's own "
        "metadata does; names and e-mail addresses, which point to customers too, are not kept",
        text="No id of the organisation leads to a customer that may be its own: {detail}.",
        remedy="Support: compare the candidates by hand, then record the right one with `reconcile link {org}`.",
        default=Decided.FLAG,
        severity=Severity.MEDIUM,
        stage=Stage.IDENTITY,
        money=(AT_RISK,),
        stops=LOWERING,
    ),
    Code.PROVIDER_LINK_DIFFERS: Row(
        when="Lago charges another Stripe customer than the organisation's; forbids every fix where that customer "
        "names another organisation",
        text="Lago charges another Stripe customer than the organisation's own: {detail}.",
        remedy="Finance: correct the payment provider's customer id of the Lago customer, or record the right Stripe "
        "customer with `reconcile link {org}`.",
        default=Decided.FLAG,
        severity=Severity.MEDIUM,
        stage=Stage.IDENTITY,
        stops=LOWERING,
    ),
    Code.ORPHAN_PAYER: Row(
        when="a live paid subscription that no organisation claims",
        text="A customer pays for {due}, but no organisation claims it: {detail}.",
        remedy="Support: find the organisation and record the customer's id there, or end the subscription and refund.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.IDENTITY,
        money=(OWED,),
    ),
    Code.LINK_MISSING: Row(
        when="the id is absent, and the organisation's own id leads to exactly one customer that no other claims",
        text="The organisation's customer was found by its own id but is not recorded: {detail}.",
        remedy="Nothing to do where fixing is on; else record the id in the application.",
        default=Decided.FIX,
        severity=Severity.LOW,
        stage=Stage.LINK,
        direction=LINK,
    ),
    Code.LINK_OTHER_FORM: Row(
        when="the recorded id is another known id of the organisation's own customer, or none while its own id is the "
        "Lago customer's",
        text="The recorded id is another known id of the organisation's own customer: {detail}.",
        remedy="Nothing to do; every known form is understood.",
        default=Decided.OK,
        severity=Severity.INFO,
        stage=Stage.FACT,
    ),
    Code.LEFTOVER_FREE_SUBSCRIPTION: Row(
        when="a subscription live at 0 or on an unpaid tier, beside one live paid one",
        text="A free subscription is left beside the paid one: {detail}.",
        remedy="Nothing to do; it takes no money.",
        default=Decided.OK,
        severity=Severity.INFO,
        stage=Stage.FACT,
    ),
}
