"""Explains what changed from one recorded run to another, drift by drift, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.ledger.states import RecordedOutcome
from reconciler.model.acts import ActKind, RecordedAct
from reconciler.model.drift import Decided, Decision
from reconciler.model.run import OutcomeResult, RunRecord

_ABOUT_DRIFTS = frozenset({ActKind.ACK, ActKind.WAIVE, ActKind.UNWAIVE, ActKind.NOTE})


class Difference(StrEnum):
    """How a drift stands in the later run against the earlier one."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """One drift that is not the same in both runs; `why` is what is known of how it came, a phrase each.

    `changes` are what differs, by name, as before and after.
    """

    how: Difference
    drift_id: str
    before: Decision | None
    after: Decision | None
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    why: tuple[str, ...] = ()


def differences(
    before: RunRecord, after: RunRecord, outcomes: Iterable[RecordedOutcome], acts: Iterable[RecordedAct]
) -> tuple[Differs, ...]:
    """Every drift that is new, gone or changed, in the order of the later run, then of the earlier.

    `outcomes` and `acts` are those from the start of the earlier run to the end of the later one. Each run counts as it
    was left: what it fixed itself is gone, as in a roll-forward. A drift that moved from one code to another in one
    organisation is told as both, each naming the other.
    """
    earlier, later = _left_by(before), _left_by(after)
    told = _Told(before=before, after=after, earlier=earlier, later=later, why=_why(outcomes, acts))
    rows = [told.row(each) for each in (*later, *(each for each in earlier if each not in later))]
    return tuple(row for row in rows if row is not None)


def _left_by(run: RunRecord) -> dict[str, Decision]:
    fixed = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
    return {
        each.drift.id: each for each in run.decisions if each.decided is not Decided.OK and each.drift.id not in fixed
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    before: RunRecord
    after: RunRecord
    earlier: Mapping[str, Decision]
    later: Mapping[str, Decision]
    why: Mapping[str, tuple[str, ...]]

    def row(self, drift_id: str) -> Differs | None:
        before, after = self.earlier.get(drift_id), self.later.get(drift_id)
        why = self.why.get(drift_id, ())
        if before is not None and after is not None:
            changes = _changes(before, after)
            if not changes:
                return None
            return Differs(
                how=Difference.CHANGED, drift_id=drift_id, before=before, after=after, changes=changes, why=why
            )
        if after is not None:
            seen = (*self._other_code(after, self.earlier, "was"), *self._unseen(self.before, "earlier"))
            came_back = ("it had been fixed or gone before",) if after.first_seen < self.before.as_of else ()
            return Differs(
                how=Difference.NEW, drift_id=drift_id, before=None, after=after, why=(*why, *seen, *came_back)
            )
        if before is None:
            return None
        gone = (*why, *self._other_code(before, self.later, "is now"), *self._unseen(self.after, "later"))
        how = gone or ("resolved elsewhere: no fix of ours, no word of a person",)
        return Differs(how=Difference.GONE, drift_id=drift_id, before=before, after=None, why=how)

    def _other_code(self, of: Decision, others: Mapping[str, Decision], verb: str) -> tuple[str, ...]:
        """Drifts of the same organisation that only the other run has."""
        both = self.earlier.keys() & self.later.keys()
        return tuple(
            f"{verb} {other.drift.code}"
            for drift_id, other in others.items()
            if drift_id not in both and of.drift.org_id is not None and other.drift.org_id == of.drift.org_id
        )

    @staticmethod
    def _unseen(run: RunRecord, which: str) -> tuple[str, ...]:
        if run.partial:
            return (f"the {which} run looked at some organisations or codes only",)
        return () if run.complete else (f"the {which} run did not read everything",)


def _changes(before: Decision, after: Decision) -> dict[str, tuple[str, str]]:
    one, other = _facts(before), _facts(after)
    names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    return {name: (one.get(name, "none"), other.get(name, "none")) for name in names}


def _facts(of: Decision) -> dict[str, str]:
    said = {"decision": of.decided.value, "blocked by": of.blocked_by or "none", "severity": of.severity.value}
    return said | dict(of.drift.values)


def _why(outcomes: Iterable[RecordedOutcome], acts: Iterable[RecordedAct]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in outcomes:
        outcome, drift_id = each.outcome, each.outcome.fix.drift_id
        word = f", approved by {each.approved_by}" if each.approved_by else ""
        done = "fixed" if outcome.result is OutcomeResult.FIXED else f"fix {outcome.result}"
        found[drift_id] = (*found.get(drift_id, ()), f"{done} by run {each.run_id}{word}")
    words = {ActKind.ACK: "acknowledged", ActKind.WAIVE: "waived", ActKind.UNWAIVE: "waiver taken back"}
    for act in acts:
        if act.kind in _ABOUT_DRIFTS:
            said = f"{words.get(act.kind, 'noted')} by {act.by} ({act.os_user}): {act.reason}"
            found[act.subject] = (*found.get(act.subject, ()), said)
    return found
