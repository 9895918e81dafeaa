"""What the charts of the page show: bars of money by code and of drifts by age, and the line of earlier runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.money import Money
from reconciler.model.money_text import money_text
from reconciler.reports.ageing import BUCKETS
from reconciler.reports.cell_text import cell_text
from reconciler.reports.summary_sheet import SUMMARY
from reconciler.reports.tables import Book, Cell, Table
from reconciler.reports.words import counted, day

_LONGEST = 8  # bars
_MOST_CURRENCIES = 4
_LOST = ("leak", "owed", "overbilled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `share` is a whole number of hundredths of the longest."""

    label: str
    value: str
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A chart of bars, the longest first or in an order of their own."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A line from the earliest run to this one: points in a box of 100 by 40, from the left and from the top."""

    title: str
    points: str
    first: str
    last: str
    now: str
    most: str


def charts_of(book: Book) -> tuple[Bars, ...]:
    """Money by code, dearest first, a chart for each currency, that of most drifts first; then drifts by age."""
    summary = book.sheet(SUMMARY)
    return (*_money_by_code(summary.table("by_code")), _ageing(summary.table("by_age")))


def _money_by_code(table: Table) -> Iterable[Bars]:
    by_currency: dict[str, list[tuple[int, str]]] = {}
    drifts: Counter[str] = Counter()
    for row in table.records():
        minor = sum(cell.minor for name in _LOST if isinstance(cell := row[name], Money))
        if minor and isinstance(currency := row["currency"], str):
            by_currency.setdefault(currency, []).append((minor, cell_text(row["code"])))
            drifts[currency] += number if isinstance(number := row["drifts"], int) else 0
    for currency in sorted(by_currency, key=lambda each: (-drifts[each], each))[:_MOST_CURRENCIES]:
        found = sorted(by_currency[currency], key=lambda pair: (-pair[0], pair[1]))[:_LONGEST]
        longest = found[0][0]
        yield Bars(
            title=f"Leak, owed and overbilled a month by code, {currency.upper()}",
            bars=tuple(
                Bar(label=code, value=money_text(minor, currency), share=_share(minor, longest))
                for minor, code in found
            ),
        )


def _ageing(table: Table) -> Bars:
    numbers: Counter[Cell] = Counter()
    for row in table.records():
        if isinstance(number := row["drifts"], int):
            numbers[row["age"]] += number
    longest = max(numbers.values(), default=1)
    return Bars(
        title="Drifts by age",
        bars=tuple(
            Bar(label=name, value=f"{numbers[name]:,}", share=_share(numbers[name], longest)) for name in BUCKETS
        ),
    )


def _share(part: int, whole: int) -> int:
    return 0 if part <= 0 else max(1, part * 100 // whole)


def trend_of(book: Book, drift_now: int) -> Trend | None:
    """Organisations with drift, by earlier runs and this one; None without an earlier one."""
    rows = list(book.sheet(SUMMARY).table("trend").records())
    known = [
        (at, number)
        for row in rows
        if row["run"] != book.run_id
        and isinstance(at := row["as_of"], datetime)
        and at < book.as_of
        and isinstance(number := row["drift"], int)
    ]
    if not known:
        return None
    known.append((book.as_of, drift_now))
    begin, end = known[0][0], known[-1][0]
    length, most = (end - begin).total_seconds() or 1, max(number for _, number in known) or 1
    points = (
        f"{(at - begin).total_seconds() * 100 / length:.1f},{38 - number * 36 / most:.1f}" for at, number in known
    )
    return Trend(
        title="Organisations with drift, run by run",
        points=" ".join(points),
        first=day(begin),
        last=day(end),
        now=counted(drift_now, "organisation"),
        most=f"{most:,}",
    )
