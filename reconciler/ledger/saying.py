"""Makes acts of what people say about drifts, and refuses what cannot be meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches

from reconciler.errors import UsageError
from reconciler.ledger.acts import waiver_act
from reconciler.ledger.states import RecordedDrift
from reconciler.model.acts import Act, ActKind, Waiver
from reconciler.model.drift import Decided
from reconciler.model.moments import utc

LONGEST_WAIVER = timedelta(days=90)
_NOT_DONE = "Nothing was recorded"
_NAMED = 3
_LONGEST_NAME = 200


def named(by: str, reason: str = "-", *, not_done: str = _NOT_DONE) -> tuple[str, str]:
    """The name and the reason on one line each. Raises UsageError where either says nothing, or the name is no name."""
    name, why = " ".join(by.split()), " ".join(reason.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError("--by names nobody", not_done=not_done, remedy="Say who it is, on one line")
    if not why:
        raise UsageError("--reason gives none", not_done=not_done, remedy="Say why, for whoever reads it later")
    return name, why


def find_drift(drift_id: str, drifts: Sequence[RecordedDrift]) -> RecordedDrift:
    """The drift of that id. Raises UsageError, which names the nearest ids, or those of the organisation given."""
    found = next((each for each in drifts if each.id == drift_id), None)
    if found is not None:
        return found
    of_org = [each.id for each in drifts if each.org_id == drift_id and not each.state.is_over]
    near = of_org or get_close_matches(drift_id, [each.id for each in drifts], n=_NAMED, cutoff=0.5)
    what = "its drifts are" if of_org else "the nearest are" if len(near) > 1 else "the nearest is"
    raise UsageError(
        f"No complete run saw a drift {drift_id!r}" + (f"; {what} {', '.join(near[:_NAMED])}" if near else ""),
        not_done=_NOT_DONE,
        remedy="Copy the id from a report or from reconcile drifts",
    )


def open_drift(drift_id: str, drifts: Sequence[RecordedDrift]) -> RecordedDrift:
    """As `find_drift`; raises UsageError for one that is over too."""
    found = find_drift(drift_id, drifts)
    if found.state.is_over:
        raise UsageError(
            f"{drift_id} is not open: {found.state} since {utc(found.last_seen)}",
            not_done=_NOT_DONE,
            remedy="A note can be left on it",
        )
    return found


def acknowledge(drift: RecordedDrift, *, by: str, reason: str, now: datetime) -> Act:
    """A person knows of the drift and looks after it; holds until the drift is over."""
    name, why = named(by, reason)
    return Act(kind=ActKind.ACK, subject=drift.id, by=name, reason=why, at=now)


def waive(drift: RecordedDrift, until: date, *, by: str, reason: str, now: datetime) -> Act:
    """A person accepts the drift, with the values it has, to the end of the day `until`, UTC: at most 90 days ahead."""
    name, why = named(by, reason)
    if drift.decision.decided is Decided.HOLD:
        raise UsageError(
            f"{drift.id} is held: nothing is concluded about it, so nothing can be waived",
            not_done=_NOT_DONE,
            remedy="Mend what its remedy names first",
        )
    today = now.astimezone(UTC).date()
    if until < today:
        raise UsageError(
            f"--until {until} is past", not_done=_NOT_DONE, remedy=f"Say a day from {today} to {today + LONGEST_WAIVER}"
        )
    if until - today > LONGEST_WAIVER:
        raise UsageError(
            f"--until {until} is {(until - today).days} days ahead; a waiver holds for {LONGEST_WAIVER.days} at most",
            not_done=_NOT_DONE,
            remedy=f"Say a day up to {today + LONGEST_WAIVER}; what is agreed for longer is a contract",
        )
    end = datetime.combine(until + timedelta(days=1), time(), UTC)
    pinned = drift.decision.drift.values
    return waiver_act(Waiver(drift_id=drift.id, pinned=pinned, until=end, by=name, reason=why, at=now))


def unwaive(drift_id: str, waived: Iterable[str], *, by: str, reason: str, now: datetime) -> Act:
    """A person takes a waiver back. Raises UsageError where there is none."""
    name, why = named(by, reason)
    known = sorted(waived)
    if drift_id not in known:
        near = get_close_matches(drift_id, known, n=_NAMED)
        raise UsageError(
            f"{drift_id!r} is not waived" + (f"; the nearest that is: {', '.join(near)}" if near else ""),
            not_done=_NOT_DONE,
            remedy="reconcile drifts --state waived names those that are",
        )
    return Act(kind=ActKind.UNWAIVE, subject=drift_id, by=name, reason=why, at=now)


def note(
    subject: str, text: str, drifts: Sequence[RecordedDrift], orgs: Iterable[str], *, by: str, now: datetime
) -> Act:
    """A person leaves a note on a drift or an organisation. Raises UsageError for what the ledger does not know."""
    name, words = named(by, text)
    if subject not in set(orgs):
        find_drift(subject, drifts)
    return Act(kind=ActKind.NOTE, subject=subject, by=name, reason=words, at=now)
