"""Reads reports back the way their readers do, and gives every word in them as one text."""

from __future__ import annotations

import base64
import gzip
import io
from html.parser import HTMLParser
from typing import Any

import openpyxl
from openpyxl.workbook.workbook import Workbook

from reconciler.reports.render import ReportFormat


def workbook_of(content: bytes, *, formulas: bool = False) -> Workbook:
    """With the stored values of formulas, or with the formulas themselves."""
    return openpyxl.load_workbook(io.BytesIO(content), data_only=not formulas)


def tables_in(book: Workbook, title: str, header: str) -> list[dict[str, Any]]:
    """The rows below the first header row whose first cell says `header`, by the words of that header."""
    rows = list(book[title].iter_rows(values_only=True))
    at = next(number for number, row in enumerate(rows) if row[0] == header)
    names = [str(name) for name in rows[at] if name is not None]
    found = []
    for row in rows[at + 1 :]:
        if all(cell is None for cell in row):
            break
        found.append(dict(zip(names, row, strict=False)))
    return found


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "": []}
        self.packed = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self.inside.append(dict(attrs).get("id") or tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        place = self.inside[-1] if self.inside else ""
        self.texts.setdefault(place, []).append(data)


class Html:
    """A page as a browser without script sees it: tags with attributes, text, and the data for its script."""

    def __init__(self, content: bytes) -> None:
        page = _Page()
        page.feed(content.decode())
        self.tags = page.tags
        self.words = " ".join("".join(page.texts[""]).split())
        self.style = "".join(page.texts["style"])
        self.script = "".join(page.texts["script"])
        packed = "".join(page.texts.get("packed", []))
        plain = "".join(page.texts.get("data", []))
        self.data = gzip.decompress(base64.b64decode(packed)).decode() if packed else plain


def text_of(content: bytes, form: ReportFormat) -> str:
    """Every word of a report."""
    match form:
        case ReportFormat.XLSX:
            book = workbook_of(content)
            cells = (cell for page in book for row in page.iter_rows(values_only=True) for cell in row)
            return "\n".join(str(cell) for cell in cells if cell is not None)
        case ReportFormat.HTML:
            page = Html(content)
            return page.words + page.data
        case _:
            return content.decode().replace("\\", "")
