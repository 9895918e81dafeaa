"""A cell as a person reads it in a page: amounts with their currency, moments to the minute, words as they are."""

from __future__ import annotations

from datetime import datetime

from reconciler.model.moments import utc
from reconciler.model.money import Money
from reconciler.model.money_text import money_text
from reconciler.reports.safe_text import shown
from reconciler.reports.tables import Cell


def cell_text(cell: Cell) -> str:
    """Harmless text on one line, without markup of any language escaped; empty for an empty cell."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case int():
            return f"{cell:,}"
        case Money():
            return money_text(cell.minor, cell.currency)
        case datetime():
            return utc(cell)
        case str():
            return shown(cell)
