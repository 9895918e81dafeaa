"""The fixes of a run for a terminal: what would be or was written, what waits, and which limit refused what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from reconciler.model.drift import Call, Direction, Drift
from reconciler.model.run import Approval, RunRecord
from reconciler.reports.fates import Fate, fates_of
from reconciler.reports.groups import LONGEST
from reconciler.reports.money_words import money_words
from reconciler.reports.page import Page
from reconciler.reports.words import before_and_after, counted

_DOING = {
    Direction.RAISE: "Raise, gives what is paid for",
    Direction.LOWER: "Lower, takes what is not paid for",
    Direction.LINK: "Link, records whose customer it is",
}


def write_plan(run: RunRecord, page: Page, *, verbose: bool) -> None:
    """Each direction in the order of writing; long ones are cut unless `verbose`, what went wrong never is."""
    fates = fates_of(run)
    page.heading("Fixes" if run.outcomes else "Plan")
    if not fates:
        page.line("No fix is planned.", indent=2)
    else:
        page.line(tallied(fates), indent=2)
        page.line("Digest ", run.plan.digest, indent=2)
    for direction, rule in run.plan.refused_by.items():
        _write_refusal(direction, rule, run, page)
    if any(fate.planned.approval is Approval.NEEDED for fate in fates):
        page.line(
            "What needs approval is held back by [policy] alone: no pass writes it while that stands, but a person's "
            "reconcile apply does, from the file that --plan-out wrote.",
            indent=2,
        )
    drifts = {decision.drift.id: decision.drift for decision in run.decisions}
    groups: dict[tuple[Direction, Call, str], list[Fate]] = {}
    for fate in fates:
        groups.setdefault((fate.planned.fix.direction, fate.planned.fix.call, fate.words), []).append(fate)
    for (direction, call, words), group in groups.items():
        style = "bold red" if group[0].unfinished else "bold"
        page.line((f"{_DOING[direction]}: {_numbered(len(group), words)}", style), f", by {call}", indent=2)
        _write_fates(group, drifts, page, length=len(group) if verbose or group[0].unfinished else LONGEST)


def tallied(fates: Sequence[Fate]) -> str:
    """How many fixes there are, and what became of how many."""
    tally = Counter(fate.words for fate in fates)
    return f"{counted(len(fates), 'fix', 'fixes')}: " + ", ".join(_numbered(n, words) for words, n in tally.items())


def _numbered(number: int, words: str) -> str:
    """What became of some fixes; its words are those of one."""
    return f"{number:,} {words if number == 1 else words.replace('needs', 'need', 1)}"


def _write_refusal(direction: Direction, rule: str, run: RunRecord, page: Page) -> None:
    others = any(each.released for each in run.plan.fixes if each.fix.direction is direction)
    page.line(
        (f"{direction.value.upper()} REFUSED", "bold red"),
        f" by {rule}: none of it is written{', save what was released' if others else ''}. Look at its fixes below. If "
        "one is wrong, mend what made them. If every one is right, run",
        indent=2,
    )
    page.line(f"reconcile breaker ack --plan {run.plan.digest} --by NAME --reason WHY", indent=4)


def _write_fates(fates: Sequence[Fate], drifts: Mapping[str, Drift], page: Page, *, length: int) -> None:
    for fate in fates[:length]:
        fix = fate.planned.fix
        drift = drifts.get(fix.drift_id)
        page.named(fix.org_id, drift.org_name if drift else "", indent=4)
        money = money_words(drift.money) if drift and drift.money else []
        page.line(", ".join([before_and_after(fate.planned), *money]), indent=6)
        if fate.error:
            page.line((fate.error, "red"), indent=6)
    if len(fates) > length:
        page.line(f"and {len(fates) - length:,} more (reconcile --format json shows all)", indent=4)
