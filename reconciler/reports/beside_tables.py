"""What the control page tells beside the judgement: what was not judged, who may be charged twice, what words mean."""

from __future__ import annotations

from reconciler.model.money import Money
from reconciler.model.run import RunRecord
from reconciler.reports.tables import Cell, Column, Kind, Table

WORDS = Table(
    key="words",
    title="What the words mean",
    columns=(Column(key="word", label="Word", kind=Kind.WORD), Column(key="meaning", label="Meaning")),
    rows=(
        ("Leak", "What an organisation has without it being paid for: its tier is worth more than what is billed."),
        ("Owed", "What is paid for and not given: the tier paid for is worth more than the one that it has."),
        ("Overbilled", "What is taken besides the one right subscription, such as twice for the same."),
        ("Variance", "List price less what is billed for the right tier: discounts, old prices, agreed amounts."),
        ("At risk", "What comes in now and may stop; in no tie-out."),
        ("Overdue, once", "Invoices that are late, in all, not per month; in no tie-out."),
        ("Accrued", "What leak, owed, overbilled and variance have come to since they took effect."),
        ("Unpriced", "The amount is not known, which is not 0."),
        ("fix", "Decided: policy lets a pass write this to the organisation store."),
        ("flag", "Decided: a person acts. Where the column Fix says one, that fix can be approved."),
        ("wait", "Decided: lawful for now, waived, or not yet old enough to be written."),
        ("hold", "Decided: nothing is concluded, since something is missing or contradicts itself."),
    ),
)


def beside_tables(run: RunRecord) -> tuple[Table, ...]:
    """Nothing for a run that was refused whole, or of a version that did not count this."""
    totals = run.totals
    if run.refusal or totals.other_products is None or totals.charged_twice is None:
        return ()
    rows: list[tuple[Cell, ...]] = [
        (f"Live subscriptions of other products, {source}", number, "named in [catalog] not_tiers; not judged")
        for source, number in sorted(totals.other_products.items())
    ]
    rows.append(("Organisations excluded", totals.excluded, "by [orgs] exclude; the notes say which and why"))
    rows.append(("May be charged on both sides", len(totals.charged_twice), "double_billed where one side would do"))
    counted = Table(
        key="beside",
        title="Counted beside",
        columns=(
            Column(key="what", label="What", kind=Kind.WORD),
            Column(key="number", label="Number", kind=Kind.COUNT),
            Column(key="how", label="How"),
        ),
        rows=tuple(rows),
    )
    twice = Table(
        key="charged_twice",
        title="Organisations that may be charged on both sides",
        columns=(
            Column(key="org_id", label="Organisation", kind=Kind.ID),
            Column(key="lago", label="Lago a month", kind=Kind.MONEY),
            Column(key="stripe", label="Stripe a month", kind=Kind.MONEY),
            Column(key="org_name", label="Name"),
        ),
        rows=tuple(
            (
                each.org_id,
                *(
                    None if minor is None else Money(minor=minor, currency=each.currency)
                    for minor in (each.lago, each.stripe)
                ),
                each.org_name or None,
            )
            for each in totals.charged_twice
        ),
        about="A live subscription on each side takes money by itself. An empty amount is unpriced.",
    )
    return counted, twice
