"""The catalogue's rows of schedules and of what is between two states."""

from __future__ import annotations

from reconciler.model.drift import Code, Decided, Severity
from reconciler.rules.row import AT_RISK, LEAK, LOWER, LOWERING, OVERBILLED, OWED, RAISE, Row, Rows, Stage

SCHEDULE_ROWS: Rows = {
    Code.IN_FLIGHT: Row(
        when="the organisation or a subscription changed within [policy] settle_raise (stops raising) or settle_lower "
        "(stops all else about tier and status)",
        text="Something changed a short while ago, and nothing is concluded until it has settled: {detail}.",
        remedy="Nothing to do; it is judged by itself once the settle time is over.",
        default=Decided.WAIT,
        severity=Severity.INFO,
        stage=Stage.IN_FLIGHT,
        stops=LOWERING,
    ),
    Code.CANCEL_SCHEDULED: Row(
        when="the subscription is set to end at a date ahead",
        text="The subscription is set to end at {detail}.",
        remedy="Nothing to do; sales may want to call before that date.",
        default=Decided.WAIT,
        severity=Severity.INFO,
        stage=Stage.WAIT,
        money=(AT_RISK,),
        stops=LOWERING,
    ),
    Code.SCHEDULE_MISSED: Row(
        when="the source's own schedule is more than 26 hours behind: what should have ended or become cheaper is live",
        text="Billing missed its own schedule and still bills: {detail}.",
        remedy="Finance: end or change the subscription by hand in its own screens, refund what it took since, and see "
        "whether the workers of Lago run.",
        default=Decided.FLAG,
        severity=Severity.CRITICAL,
        stage=Stage.DOUBT,
        money=(OVERBILLED,),
        stops=LOWERING,
    ),
    Code.CANCEL_STATE_DIFFERS: Row(
        when="both sides must agree, and only one of them is set to end",
        text="One side is set to end and the other is not: {detail}.",
        remedy="Support: ask the customer, then schedule the same end on both sides, or take it back.",
        default=Decided.FLAG,
        severity=Severity.HIGH,
        stage=Stage.FIX,
        money=(AT_RISK,),
        stops=LOWERING,
    ),
    Code.DOWNGRADE_EARLY: Row(
        when="the organisation is already on the lower tier, and the higher one is paid to the end of the period",
        text="The organisation was set to {has} too early: {due} is paid until {detail}.",
        remedy="Nothing to do where fixing is on; else set the tier to {due} in the application until that date.",
        default=Decided.FIX,
        severity=Severity.HIGH,
        stage=Stage.FIX,
        money=(OWED,),
        direction=RAISE,
        stops=LOWERING,
    ),
    Code.DOWNGRADE_LATE: Row(
        when="the subscription became the lower one as it was set to, and the organisation is still on the old tier",
        text="The subscription went down to {due} as it was set to, but the organisation still has {has}.",
        remedy="Nothing to do where lowering is on; else set the tier to {due} in the application.",
        default=Decided.FIX,
        severity=Severity.MEDIUM,
        stage=Stage.FIX,
        money=(LEAK,),
        direction=LOWER,
    ),
    Code.FUTURE_START: Row(
        when="the subscription starts later, and the organisation is already entitled",
        text="The subscription has not begun, but the organisation already has {has}: {detail}.",
        remedy="Sales: let it begin now in billing, or set the tier back by hand until it does.",
        default=Decided.FLAG,
        severity=Severity.MEDIUM,
        stage=Stage.FIX,
        money=(LEAK,),
        stops=LOWERING,
    ),
    Code.DOWNGRADE_SCHEDULED: Row(
        when="a lower plan is set for the end of the period, and the organisation is rightly on the present one",
        text="The subscription is set to go down, and the organisation rightly has {has} until then: {detail}.",
        remedy="Nothing to do; the tier follows when the date has come.",
        default=Decided.OK,
        severity=Severity.INFO,
        stage=Stage.FACT,
    ),
}
