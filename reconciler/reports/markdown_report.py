"""The report as markdown, for a chat or a ticket: nothing from outside is read as markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from reconciler.model.moments import utc
from reconciler.model.run import RunRecord
from reconciler.reports.cell_text import cell_text
from reconciler.reports.fates import fates_of
from reconciler.reports.groups import LONGEST, Entry, Group, sections_of
from reconciler.reports.money_table import LABELS, left_over, money_columns, money_heading
from reconciler.reports.safe_text import fitted, shown
from reconciler.reports.summary_sheet import SUMMARY
from reconciler.reports.tables import Book, Cell
from reconciler.reports.words import (
    EXIT_CODES,
    before_and_after,
    counts,
    mode_words,
    read_problem,
    reads_of,
    result_words,
)

_NAME_WIDTH = 60
_DEAREST = range(1, 6)  # ranks, of each currency
# CommonMark takes any ASCII punctuation after a backslash as itself; these begin something inside a line,
_MARKUP = re.compile(r"[\\`*_\[\]<#|~&@]|:(?=\S)|(?<=www)\.")
# and these at its start.
_BLOCK_START = re.compile(r"^(\s*\d*)([-+=>.)])")


def markdown_report(run: RunRecord, book: Book) -> bytes:
    """UTF-8 CommonMark with tables as GitHub has them; long lists are cut and say so."""
    return ("\n".join(_lines(run, book)) + "\n").encode()


def _lines(run: RunRecord, book: Book) -> Iterator[str]:
    yield f"# {run.result.value.upper()}"
    yield ""
    yield result_words(run)
    if run.refusal:
        yield from ("", f"**{_plain(run.refusal)}**")
    yield from ("", f"Run {_code(run.id)} as of {utc(run.as_of)}: {mode_words(run)}.")
    if run.partial:
        yield from ("", "Only some organisations or codes were looked at.")
    for name, read in reads_of(run):
        if not read.complete:
            yield from ("", *(f"{_plain(line)}  " for line in read_problem(name, read)))
    yield ""
    yield from _table((("read", "rows", "whole", "problem"), *_reads(run)))
    for note in run.notes:
        yield from ("", f"Note: {_plain(note)}")
    yield from _plan(run)
    for title, groups in sections_of(run).items():
        yield from ("", f"## {title}")
        for group in groups:
            yield from _group(group)
    yield from _money(run)
    yield from _dearest(book)
    for line in counts(run):
        yield from ("", line)
    yield from ("", f"Exit code {run.exit_code}: {EXIT_CODES.get(run.exit_code, 'not one that this version knows.')}")


def _reads(run: RunRecord) -> Iterator[tuple[str, ...]]:
    for name, read in reads_of(run):
        yield (name, f"{read.rows:,}", "yes" if read.complete else "**NO**", _plain(read.problem or ""))


def _plan(run: RunRecord) -> Iterator[str]:
    fates = fates_of(run)
    yield from ("", "## Fixes" if run.outcomes else "## Plan", "")
    tally = Counter(fate.words for fate in fates)
    yield ", ".join(f"{number:,} {words}" for words, number in tally.items()) or "No fix is planned."
    for direction, rule in run.plan.refused_by.items():
        yield from ("", f"**{direction.value.upper()} REFUSED** by {_code(rule)}: none of it is written.")
        yield from (
            "",
            _code(f"reconcile breaker ack --plan {run.plan.digest} --by NAME --reason WHY") + " releases it.",
        )
    if fates:
        yield ""
    for fate in fates[:LONGEST]:
        what = f"{fate.planned.fix.direction}, {before_and_after(fate.planned)}, {fate.words}"
        yield f"- {_code(fate.planned.fix.org_id)} {_plain(what)}{_plain(f': {fate.error}') if fate.error else ''}"
    yield from _more(len(fates) - LONGEST)


def _group(group: Group) -> Iterator[str]:
    yield from ("", f"### {_plain(group.code)} ({group.severity}): {', '.join(group.facts)}")
    for text, remedy, entries in group.alike(LONGEST):
        yield from ("", _plain(text), "")
        yield from (_entry(entry) for entry in entries)
        if group.shared_remedy is None:
            yield from ("", f"**Remedy:** {_plain(remedy)}")
    yield from _more(len(group.entries) - LONGEST)
    if group.shared_remedy is not None:
        yield from ("", f"**Remedy:** {_plain(group.shared_remedy)}")


def _entry(entry: Entry) -> str:
    return f"- {_code(entry.key)} {_code(fitted(entry.name, _NAME_WIDTH))} {_plain(', '.join(entry.facts))}"


def _money(run: RunRecord) -> Iterator[str]:
    columns = money_columns(run)
    if not columns:
        return
    yield from ("", f"## {money_heading(run)}", "")
    yield from _table(zip(LABELS, *columns, strict=True))
    yield ""
    yield from (f"**DOES NOT TIE OUT:** {_plain(amount)} is left over.  " for amount in left_over(run))
    if not left_over(run):
        yield "Every currency ties out (without what is held or unpriced)."


def _dearest(book: Book) -> Iterator[str]:
    rows = [row for row in book.sheet(SUMMARY).table("top").records() if row["rank"] in _DEAREST]
    if not rows:
        return
    yield from ("", "## What has come to the most so far", "")
    head = ("accrued", "code", "organisation", "name", "in effect since")
    yield from _table((head, *(_dear(row) for row in rows)))


def _dear(row: dict[str, Cell]) -> tuple[str, ...]:
    name = row["org_name"]
    return (
        cell_text(row["accrued"]),
        _plain(cell_text(row["code"])),
        _in_table(_code(cell_text(row["org_id"]))),
        _in_table(_code(fitted(name, _NAME_WIDTH))) if isinstance(name, str) else "",
        cell_text(row["effective_at"]),
    )


def _in_table(code: str) -> str:
    """Inside code a bar still ends a cell of a table, unless a backslash stands before it."""
    return code.replace("|", "\\|")


def _more(number: int) -> Iterator[str]:
    if number > 0:
        yield f"- and {number:,} more (`reconcile --format json` shows all)"


def _table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        cells = list(row)
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"|{' --- |' * len(cells)}"


def _plain(text: str) -> str:
    """Text as itself: no markup, no link, no block of its own."""
    return _BLOCK_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", shown(text).strip()))


def _code(text: str) -> str:
    """Text as code, in which chats and trackers look for no links and no people to call."""
    return f"`{shown(text).replace('`', chr(39))}`" if text else ""
