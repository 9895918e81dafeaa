"""The drifts summed up by code, tier, age and state, the dearest of them, and how earlier runs compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.money import Money
from reconciler.reports.ageing import BUCKETS
from reconciler.reports.background import Background
from reconciler.reports.drift_table import AMOUNTS
from reconciler.reports.tables import Cell, Column, CountOf, Kind, Sheet, SumOf, Table

SUMMARY = "Summary"
_TOP = 20
_GROUPS = (("code", "Code"), ("has_tier", "Tier it has"), ("age", "Age"), ("state", "State"))
_SUMMED = (*AMOUNTS, "accrued")
_TOP_KEYS = ("code", "accrued", "currency", "effective_at", "age_days", "state", "decision", "org_name", "org_id")


def summary_sheet(drifts: Table, beside: Background) -> Sheet:
    """Every number in it follows from the rows of `drifts`."""
    return Sheet(
        title=SUMMARY,
        tables=(*(_summed(drifts, key, label) for key, label in _GROUPS), _dearest(drifts), _trend(beside)),
    )


def _summed(drifts: Table, key: str, label: str) -> Table:
    """A row for each value of a column and each currency beside it."""
    by = (key, "currency")
    places = tuple(drifts.position(each) for each in by)
    found: dict[tuple[Cell, ...], list[tuple[Cell, ...]]] = {}
    for row in drifts.rows:
        found.setdefault(tuple(row[place] for place in places), []).append(row)
    labels = {column.key: column.label for column in drifts.columns}
    return Table(
        key=f"by_{key}",
        title=f"By {label.lower()}",
        columns=(
            Column(key=key, label=label, kind=Kind.WORD),
            Column(key="currency", label="Currency", kind=Kind.WORD),
            Column(key="drifts", label="Drifts", kind=Kind.COUNT, formula=CountOf(by=by)),
            *(
                Column(key=each, label=labels[each], kind=Kind.MONEY, formula=SumOf(key=each, by=by))
                for each in _SUMMED
            ),
        ),
        rows=tuple(
            (*group, len(rows), *_sums(drifts, rows, group[1])) for group, rows in sorted(found.items(), key=_order)
        ),
        about="Rows of what is held and of what has no money stand under no currency.",
    )


def _order(item: tuple[tuple[Cell, ...], object]) -> tuple[int, str, str]:
    (group, currency), _ = item
    name = str(group or "")
    return (BUCKETS.index(name) if name in BUCKETS else 0, name, str(currency or ""))


def _sums(drifts: Table, rows: Sequence[tuple[Cell, ...]], currency: Cell) -> Iterator[Money | None]:
    for key in _SUMMED:
        yield drifts.sum_of(key, rows, currency) if isinstance(currency, str) else None


def _dearest(drifts: Table) -> Table:
    """Of each currency, since none can be compared with another."""
    places = [drifts.position(key) for key in _TOP_KEYS]
    at = drifts.position("accrued")
    by_currency: dict[str, list[tuple[int, tuple[Cell, ...]]]] = {}
    for row in drifts.rows:
        if isinstance(money := row[at], Money) and money.minor:
            by_currency.setdefault(money.currency, []).append((money.minor, row))
    rows: list[tuple[Cell, ...]] = []
    for currency in sorted(by_currency):
        # sorted() is stable: drifts that came to the same stay in the order of the report
        ranked = sorted(by_currency[currency], key=lambda pair: -pair[0])[:_TOP]
        rows += [(number, *(row[place] for place in places)) for number, (_, row) in enumerate(ranked, start=1)]
    return Table(
        key="top",
        title=f"The {_TOP} drifts of each currency that have come to the most",
        columns=(
            Column(key="rank", label="Rank", kind=Kind.COUNT),
            *(drifts.columns[place] for place in places),
        ),
        rows=tuple(rows),
        about="Accrued: leak, owed, overbilled and variance per month, times the days since they took effect.",
    )


def _trend(beside: Background) -> Table:
    runs = sorted(beside.trend, key=lambda each: (each.as_of, each.id))
    currencies = sorted({currency for run in runs for currency in run.totals.money})
    names: Sequence[str] = ("leak", "owed", "overbilled")
    return Table(
        key="trend",
        title="Earlier runs",
        columns=(
            Column(key="run", label="Run", kind=Kind.ID),
            Column(key="as_of", label="As of", kind=Kind.MOMENT),
            Column(key="result", label="Result", kind=Kind.WORD),
            Column(key="drift", label="With drift", kind=Kind.COUNT),
            Column(key="held", label="Held", kind=Kind.COUNT),
            *(
                Column(key=f"{name}_{currency}", label=f"{name.capitalize()} {currency.upper()}", kind=Kind.MONEY)
                for currency in currencies
                for name in names
            ),
        ),
        rows=tuple(
            (
                run.id,
                run.as_of,
                run.result.value,
                run.totals.drift,
                run.totals.held,
                *(
                    Money(minor=getattr(money, name), currency=currency) if money else None
                    for currency in currencies
                    for money in (run.totals.money.get(currency),)
                    for name in names
                ),
            )
            for run in runs
        ),
    )
