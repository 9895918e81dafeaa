"""Makes the whole report of a run as sheets of tables, from which every format is written."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.run import RunRecord
from reconciler.reports.background import NO_BACKGROUND, Background
from reconciler.reports.coming_sheets import agreed_sheet, held_sheet, upcoming_sheet
from reconciler.reports.control_sheet import control_sheet
from reconciler.reports.drift_table import drift_table
from reconciler.reports.fix_sheet import fix_sheet
from reconciler.reports.money_table import left_over
from reconciler.reports.roll_forward import roll_forward_sheet
from reconciler.reports.summary_sheet import summary_sheet
from reconciler.reports.tables import Book, Sheet
from reconciler.reports.words import read_problem, reads_of, result_words

DRIFTS = "Drifts"


def book_of(run: RunRecord, beside: Background = NO_BACKGROUND) -> Book:
    """The same for the same run and background, in whatever order its decisions come."""
    drifts = drift_table(run, beside)
    return Book(
        word=run.result.value.upper(),
        meaning=result_words(run),
        run_id=run.id,
        as_of=run.as_of,
        made_at=run.finished_at,
        warnings=tuple(_warnings(run)),
        sheets=(
            control_sheet(run, beside, drifts),
            summary_sheet(drifts, beside),
            Sheet(title=DRIFTS, tables=(drifts,)),
            roll_forward_sheet(run, beside),
            fix_sheet(run, beside),
            upcoming_sheet(run, beside),
            agreed_sheet(run, beside),
            held_sheet(run),
        ),
    )


def _warnings(run: RunRecord) -> Iterator[str]:
    if run.refusal:
        yield run.refusal
    for name, read in reads_of(run):
        if not read.complete:
            yield " ".join(read_problem(name, read))
    for direction, limit in sorted(run.plan.refused_by.items()):
        yield f"{direction.value.capitalize()} refused ({limit}): none of it is written."
    for amount in left_over(run):
        yield f"Does not tie out: {amount} is left over."
    if run.partial:
        yield "Only some organisations or codes were looked at."
