"""Drifts for a terminal, section by section and code by code."""

from __future__ import annotations

from reconciler.model.drift import Severity
from reconciler.model.run import RunRecord
from reconciler.reports.groups import LONGEST, Entry, Group, sections_of
from reconciler.reports.page import Page

_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def write_drifts(run: RunRecord, page: Page, *, verbose: bool) -> None:
    """What remains, what is upcoming, what is held; a code with many is cut, and says so, unless `verbose`."""
    for title, groups in sections_of(run).items():
        page.heading(title)
        for group in groups:
            page.blank()
            _write_group(group, page, verbose=verbose)


def _write_group(group: Group, page: Page, *, verbose: bool) -> None:
    style = _STYLES[group.severity]
    page.line((group.code.value, f"bold {style}"), (f" ({group.severity}): ", style), ", ".join(group.facts), indent=2)
    length = len(group.entries) if verbose else LONGEST
    for text, remedy, entries in group.alike(length):
        page.line(text, indent=4)
        for entry in entries:
            _write_entry(entry, page, verbose=verbose)
        if group.shared_remedy is None:
            page.line("Remedy: ", remedy, indent=4)
    if len(group.entries) > length:
        page.line(f"and {len(group.entries) - length:,} more (reconcile --format json shows all)", indent=4)
    if group.shared_remedy is not None:
        page.line("Remedy: ", group.shared_remedy, indent=4)


def _write_entry(entry: Entry, page: Page, *, verbose: bool) -> None:
    page.named(entry.key, entry.name, indent=6)
    page.line(", ".join(entry.facts), indent=8)
    for line in entry.background if verbose else ():
        page.line((line, "dim"), indent=10)
