"""Holds what people wrote into a report against what is known: every row stands, or none is taken over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from reconciler.model.acts import Waiver
from reconciler.model.drift import Decided, Decision, Fix
from reconciler.model.run import OutcomeResult, RunRecord
from reconciler.reports.decision_file import DecisionFile, Filled
from reconciler.reports.words import before_and_after

_LONGEST_DAYS = 90  # as reconcile waive has it: what is agreed for longer is a contract


class Word(StrEnum):
    """What a person may write into the column Decision."""

    WAIVE = "waive"
    ACK = "ack"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A drift that a person knows of and looks after."""

    drift_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What stands, where `refusals` is empty; else why each row that cannot stand cannot, and nothing stands."""

    waivers: tuple[Waiver, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    approved: tuple[Fix, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What rows are held against: the run they were filled in from, what is open now, and the last recorded run."""

    run: RunRecord
    standing: Mapping[str, Decision]
    last: RunRecord


def take_over(file: DecisionFile, known: Known, *, by: str, at: datetime) -> Taken:
    """The waivers, acknowledgements and approvals of a file, said by `by` at `at`.

    A waiver holds up to the end of its day, UTC, and pins the values that the report showed. An approval is of
    the very fix that the report showed, as the last run planned it again.
    """
    shown = {each.drift.id: each for each in known.run.decisions}
    waivers: list[Waiver] = []
    acknowledged: list[Acknowledged] = []
    approved: list[Fix] = []
    refusals: list[str] = []
    seen: set[str] = set()
    for row in file.rows:
        problems = list(_problems(row, shown, known, seen, at=at))
        refusals += [f"Row {row.row}: {problem}" for problem in problems]
        seen.add(row.drift_id)
        if problems:
            continue
        match Word(row.decision):
            case Word.WAIVE:
                values = shown[row.drift_id].drift.values
                until = _end_of(row) or at
                waivers.append(
                    Waiver(drift_id=row.drift_id, pinned=values, until=until, by=by, reason=row.reason, at=at)
                )
            case Word.ACK:
                acknowledged.append(Acknowledged(drift_id=row.drift_id, reason=row.reason))
            case Word.APPROVE:
                approved += [each for each in _fixes(known.last) if each.drift_id == row.drift_id]
    if refusals:
        return Taken(refusals=tuple(refusals))
    return Taken(waivers=tuple(waivers), acknowledged=tuple(acknowledged), approved=tuple(approved))


def _problems(
    row: Filled, shown: Mapping[str, Decision], known: Known, seen: set[str], *, at: datetime
) -> Iterator[str]:
    if row.problem:
        yield row.problem
    if row.decision not in set(Word):
        said = f"{row.decision[:40]!r} is no decision" if row.decision else "Until or Reason without a Decision"
        yield f"{said}: say waive, ack or approve, or nothing"
        return
    if row.drift_id not in shown:
        yield f"there is no drift {row.drift_id[:80]!r} in the run {known.run.id}"
        return
    if row.drift_id in seen:
        yield f"the drift {row.drift_id} is decided twice"
        return
    yield from _moved(row, shown[row.drift_id], known)
    match Word(row.decision):
        case Word.WAIVE:
            if shown[row.drift_id].decided is Decided.HOLD:
                yield "what is held cannot be waived, since nothing is concluded about it; its remedy comes first"
            yield from _waiving(row, at=at)
        case Word.ACK:
            if row.until is not None:
                yield "an ack has no Until"
        case Word.APPROVE:
            yield from _approving(row, known, at=at)


def _moved(row: Filled, then: Decision, known: Known) -> Iterator[str]:
    now = known.standing.get(row.drift_id)
    if now is None:
        yield "the drift is not there any more"
    elif now.drift.values != then.drift.values:
        yield "the drift has other values by now; decide on a new report"


def _waiving(row: Filled, *, at: datetime) -> Iterator[str]:
    if not row.reason:
        yield "a waiver needs a Reason"
    end = _end_of(row)
    if end is None:
        if not row.problem:
            yield "a waiver needs an Until"
    elif end <= at:
        yield f"Until {row.until} is past"
    elif (end - at).days > _LONGEST_DAYS:
        yield f"Until {row.until} is more than {_LONGEST_DAYS} days ahead; what is agreed for longer is a contract"


def _end_of(row: Filled) -> datetime | None:
    """The midnight, UTC, that ends the day."""
    if row.until is None:
        return None
    return datetime.combine(row.until + timedelta(days=1), time.min, UTC)


def _approving(row: Filled, known: Known, *, at: datetime) -> Iterator[str]:
    if row.until is not None:
        yield "an approval has no Until"
    shown = [each for each in _planned(known.run) if each.drift_id == row.drift_id]
    again = [each for each in _fixes(known.last) if each.drift_id == row.drift_id]
    if not shown:
        yield "there is no fix to approve; its remedy says what a person does"
    elif [each.key for each in shown] != [each.key for each in again]:
        yield "the last run did not plan this fix again; decide on a new report"
    elif row.fix and row.fix != ", ".join(_fix_words(known.run, row.drift_id)):
        yield "the column Fix was changed"
    if known.last.finished_at + timedelta(hours=24) <= at:
        yield "the last run is older than 24 hours; run a pass, then decide again"


def _planned(run: RunRecord) -> list[Fix]:
    return [each.fix for each in run.plan.fixes]


def _fixes(run: RunRecord) -> list[Fix]:
    """What a run planned and left to write."""
    fixed = {each.fix.key for each in run.outcomes if each.result is OutcomeResult.FIXED}
    return [each for each in _planned(run) if each.key not in fixed]


def _fix_words(run: RunRecord, drift_id: str) -> Iterator[str]:
    return (before_and_after(each) for each in run.plan.fixes if each.fix.drift_id == drift_id)
