"""The report as one page: self-contained, without network, with its own script for sorting, filtering and opening."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from reconciler.model.money import Money
from reconciler.model.money_text import money_text
from reconciler.model.run import RunRecord
from reconciler.reports.cell_text import cell_text
from reconciler.reports.compose import DRIFTS
from reconciler.reports.html_charts import charts_of, trend_of
from reconciler.reports.html_data import data_of, packed
from reconciler.reports.tables import Balance, Book, Cell, Column, Kind

_STATIC_ROWS = 200  # of a table that is written into the page as it is
_FIRST_ROWS = 100  # drifts that stand in the page for readers without its script
_NUMBERS = frozenset({Kind.COUNT, Kind.MONEY})
_LIST = (
    *("code", "severity", "decision", "org_name", "leak", "owed", "overbilled"),
    *("accrued", "age_days", "state"),
)
_FILTERS = ("code", "severity", "decision", "state", "currency", "age")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A headline number, or the amounts of one currency below each other."""

    label: str
    values: tuple[str, ...]
    tone: str = ""


def html_report(run: RunRecord, book: Book) -> bytes:
    """UTF-8, byte-identical for the same run and book. Nothing from outside is markup, style or script.

    The drifts stand in it as JSON, packed where there are many; the first of them also as a plain table.
    """
    drifts = book.sheet(DRIFTS).table("drifts")
    style, script = _asset("report.css"), _asset("report.js")
    data = data_of(run, drifts)
    pack = packed(data)
    columns = [drifts.columns[drifts.position(key)] for key in _LIST]
    return (
        _template()
        .render(
            book=book,
            cell=cell_text,
            told=_told,
            numeric=_numeric,
            cards=_cards(run),
            charts=charts_of(book),
            trend=trend_of(book, run.totals.drift),
            columns=columns,
            filters=[drifts.columns[drifts.position(key)] for key in _FILTERS],
            first_rows=[[row[drifts.position(key)] for key in _LIST] for row in drifts.rows[:_FIRST_ROWS]],
            drifts=drifts,
            sheets=[sheet for sheet in book.sheets if sheet.title != DRIFTS],
            static_rows=_STATIC_ROWS,
            style=Markup(style),  # noqa: S704 - the package's own file
            script=Markup(script),  # noqa: S704 - the package's own file
            style_hash=_hash(style),
            script_hash=_hash(script),
            data="" if pack else Markup(data),  # noqa: S704 - JSON without any <
            packed=pack,
        )
        .encode()
    )


@cache
def _asset(name: str) -> str:
    return (files("reconciler.reports") / "page" / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("report.html"))


def _hash(text: str) -> str:
    """As a Content-Security-Policy names a style or script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _numeric(column: Column, value: Cell) -> bool:
    return column.kind in _NUMBERS or (not isinstance(value, bool) and isinstance(value, int | Money))


def _told(column: Column, value: Cell) -> str:
    """As `cell_text`; a zero amount is a dash, but where it is what a balance leaves over."""
    nothing = isinstance(value, Money) and not value.minor and not isinstance(column.formula, Balance)
    return "-" if nothing else cell_text(value)


def _cards(run: RunRecord) -> list[Card]:
    if run.refusal:
        return []
    totals = run.totals
    cards = [
        Card(label="Organisations", values=(f"{totals.orgs:,}",)),
        Card(label="In sync", values=(f"{totals.in_sync:,}",), tone="good"),
        Card(label="With drift", values=(f"{totals.drift:,}",), tone="bad" if totals.drift else ""),
        Card(label="Held", values=(f"{totals.held:,}",), tone="bad" if totals.held else ""),
        Card(label="Waiting", values=(f"{totals.waiting:,}",)),
    ]
    for currency, money in sorted(totals.money.items()):
        lost = {"leak": money.leak, "owed": money.owed, "overbilled": money.overbilled}
        parts = tuple(f"{name} {money_text(minor, currency)}" for name, minor in lost.items() if minor)
        if parts:
            cards.append(Card(label=f"{currency.upper()} a month", values=parts, tone="money"))
        if money.residual:
            left = (money_text(money.residual, currency),)
            cards.append(Card(label="Does not tie out", values=left, tone="bad"))
    return cards
