"""The money totals of a run as columns of text: labels, then a column for each currency, never added across them."""

from __future__ import annotations

from reconciler.model.money_text import major_units, money_text
from reconciler.model.run import CurrencyTotals, RunRecord

# In the order of the tie-out; what is below `= had` is no part of it.
LABELS = (
    "",
    "billed",
    "- overbilled",
    "+ variance",
    "+ leak",
    "- owed",
    "= had",
    "at risk",
    "overdue, once",
    "unpriced drifts",
)


def money_heading(run: RunRecord) -> str:
    """What the table is about; where something was not read whole, that it is only of the rest."""
    return "Money a month" if run.complete else "Money a month, of what could be read"


def money_columns(run: RunRecord) -> list[tuple[str, ...]]:
    """A column as long as LABELS for each currency, by name."""
    return [_column(currency, totals) for currency, totals in sorted(run.totals.money.items())]


def left_over(run: RunRecord) -> list[str]:
    """What the tie-out leaves over, for each currency that does not tie out."""
    totals = sorted(run.totals.money.items())
    return [money_text(money.residual, currency) for currency, money in totals if money.residual]


def _column(currency: str, totals: CurrencyTotals) -> tuple[str, ...]:
    amounts = (
        totals.billed,
        totals.overbilled,
        totals.variance,
        totals.leak,
        totals.owed,
        totals.had,
        totals.at_risk,
        totals.overdue,
    )
    written = (major_units(minor, currency, thousands=",") for minor in amounts)
    return (currency.upper(), *written, f"{totals.unpriced:,}")
