"""The sentences that every report for people shares: what a result means, what an exit code means, what a mode does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from reconciler.model.drift import Decided, State
from reconciler.model.run import OutcomeResult, PlannedFix, RunMode, RunRecord, RunResult, SourceRead

_RESULTS: Mapping[RunResult, str] = MappingProxyType(
    {
        RunResult.CLEAN: "Organisations have what billing says; nothing is left to do.",
        RunResult.DRIFT: "Organisations and billing differ; something is left to do.",
        RunResult.INCOMPLETE: "Something was not read whole. What is missing there proves nothing, so this is not the "
        "whole picture.",
        RunResult.REFUSED: "A limit refused a part of the plan; none of that part was written.",
        RunResult.FAILED: "Something went wrong; what failed was not done.",
    }
)

_WHOLE_RUN_REFUSED = "A limit refused the whole run; nothing was judged or written."

MODES: Mapping[RunMode, str] = MappingProxyType(
    {
        RunMode.DRY_RUN: "a dry run, which writes to no organisation",
        RunMode.FLAG: "mode flag, which writes nothing by itself",
        RunMode.FIX: "mode fix, which writes what policy and limits allow",
    }
)

EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "nothing is left to do.",
        1: "settings, a key, an address or the store is at fault; nothing was judged.",
        2: "drift remains; what is held or waits for approval counts as such.",
        3: "a limit refused the run or a part of it.",
        4: "a source was not read whole.",
        5: "some fixes failed.",
        64: "the command was called with words or values it does not take.",
        75: "another run holds the lock; try again when it has ended.",
    }
)

_LEFT = frozenset({Decided.FIX, Decided.FLAG, Decided.HOLD})

# The store's name of a field, where the update method's argument has another.
_FIELDS = {"lago_id": "lago_customer_id", "stripe_id": "stripe_customer_id"}


NOT_KEPT = "This run is not in the ledger"  # how the note begins that a report never leaves out


def read_problem(name: str, read: SourceRead) -> tuple[str, str]:
    """Why something was not read whole, and what to do about it."""
    return (
        f"{name} not read whole: {(read.problem or 'no reason is known').rstrip('.')}.",
        "To do: mend that and run again (reconcile doctor looks at keys and addresses); until then nobody is lowered.",
    )


def counted(number: int, one: str, many: str = "") -> str:
    """`1 drift`, `1,234 drifts`; `many` where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(moment: datetime) -> str:
    """`2026-10-01`, of UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def since(moment: datetime, as_of: datetime) -> str:
    """`since 2026-09-01`, or `on 2026-11-01` for what is still ahead."""
    return f"{'on' if moment > as_of else 'since'} {day(moment)}"


def reads_of(run: RunRecord) -> list[tuple[str, SourceRead]]:
    """Everything that was read, by name: the store first, then the configured sources."""
    return [("organisations", run.store), *((source.value, run.sources[source]) for source in sorted(run.sources))]


def result_words(run: RunRecord) -> str:
    """What the result of `run` means, in a sentence."""
    return _WHOLE_RUN_REFUSED if run.refusal else _RESULTS[run.result]


def counts(run: RunRecord) -> list[str]:
    """Every organisation, each counted once, and the drifts that belong to none; after fixes, what they left.

    Nothing for a run that was refused whole: it counted nobody.
    """
    if run.refusal:
        return []
    totals = run.totals
    each = {
        "in sync": totals.in_sync,
        "waiting": totals.waiting,
        "with drift": totals.drift,
        "held": totals.held,
        "waived": totals.waived,
        "excluded": totals.excluded,
    }
    parts = ", ".join(f"{number:,} {name}" for name, number in each.items())
    line = f"{counted(totals.orgs, 'organisation')}: {parts}. Unclaimed: {totals.unclaimed:,}."
    if run.partial:
        line += " What was not looked at counts as in sync."
    fixed = {each.fix.drift_id: each.fix.org_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
    if not fixed:
        return [line]
    remaining = {each.drift.org_id for each in run.decisions if each.decided in _LEFT and each.drift.id not in fixed}
    mended = len({*fixed.values()} - remaining)
    left = totals.drift + totals.held - mended
    return [f"Before these fixes, {line}", f"Mended by them: {mended:,}. Still with drift or held: {left:,}."]


def mode_words(run: RunRecord) -> str:
    """What the run may write."""
    return MODES[run.mode] if run.approved_by is None else "an approved plan, of which it writes what limits allow"


def has_and_due(has: State, due: State | None) -> str:
    """`tier enterprise -> professional`: what differs; without a difference, or nothing known due, what it has."""
    pairs = {"tier": (has.tier, due and due.tier), "status": (has.status, due and due.status)}
    differing = [f"{name} {was or 'none'} -> {to}" for name, (was, to) in pairs.items() if to and was != to]
    return ", ".join(differing) or ", ".join(f"{name} {was}" for name, (was, _) in pairs.items() if was)


def field_name(argument: str) -> str:
    """The store's field that an argument of an update method sets."""
    return _FIELDS.get(argument, argument)


def before_and_after(planned: PlannedFix) -> str:
    """`plan_tier: enterprise -> professional`, one pair for each argument of the call."""
    fix = planned.fix
    pairs = [(field_name(name), value) for name, value in sorted(fix.arguments.items())]
    return ", ".join(f"{field}: {fix.expects.get(field) or 'none'} -> {value}" for field, value in pairs)
