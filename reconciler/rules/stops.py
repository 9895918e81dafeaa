"""Every rule that can stop a fix, in the order in which they are tried: safety before time before policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.acts import Waiver
from reconciler.model.drift import Code, Decided, Direction, Drift, Fix
from reconciler.model.history import Failures, Sighting
from reconciler.model.moments import duration_text, utc
from reconciler.model.terms import Do, Mode, Policy
from reconciler.rules.catalogue import default_of, stops_of

_FIRST_RETRY = timedelta(minutes=5)
_LAST_RETRY = timedelta(hours=24)
_TIMES_LONGER = 3
_MOST_TIMES = 10  # far beyond the last retry: the number stays small


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a pass looks at; empty means everything. A partial pass never lowers and counts as no complete run."""

    org_ids: frozenset[str] = frozenset()
    codes: frozenset[Code] = frozenset()
    limit: int | None = None

    @property
    def partial(self) -> bool:
        """Whether anything is left out."""
        return bool(self.org_ids or self.codes) or self.limit is not None

    def takes(self, drift: Drift) -> bool:
        """Whether the pass looks at `drift`."""
        return (not self.org_ids or drift.org_id in self.org_ids) and (not self.codes or drift.code in self.codes)


class By(StrEnum):
    """What kind of rule it is: time passes by itself, and what policy alone stops a person may approve."""

    SAFETY = "safety"
    TIME = "time"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One rule as it was tried on a fix, and what it said."""

    rule: str
    words: str
    stops: bool
    by: By = By.SAFETY


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May this fix be written by this pass? `others` are the other drifts of its organisation.

    `complete`: every configured source was read whole. `confirmed` is since when and in how many complete runs, this
    one counted, the very same fix was come to.
    """

    drift: Drift
    others: Sequence[Drift]
    confirmed: Sighting
    policy: Policy
    scope: Scope
    now: datetime
    complete: bool
    failures: Failures | None = None
    waivers: Mapping[str, Waiver] = field(default_factory=dict)


def rules_tried(asked: Question) -> Iterator[Tried]:
    """Each rule with what it says of the fix, in order; the first that stops it decides. None for a drift without."""
    fix = asked.drift.fix
    if fix is None or default_of(asked.drift) is not Decided.FIX:
        return
    yield _proof(asked)
    yield _beside(asked, fix)
    if fix.direction is Direction.LOWER:
        yield _waived_beside(asked)
        yield _whole(asked)
        yield _confirmed(asked)
        yield _settled(asked, "settle_lower", asked.policy.settle_lower)
    elif fix.direction is Direction.RAISE:
        yield _settled(asked, "settle_raise", asked.policy.settle_raise)
    yield _backoff(asked)
    yield from _policy(asked, fix.direction)


def waiver_of(drift: Drift, waivers: Mapping[str, Waiver], now: datetime) -> tuple[Waiver | None, str]:
    """The waiver that accepts `drift` as it is; or None, and in words why the one there is does not, if there is one.

    A hold is no drift but missing evidence, which nobody can accept.
    """
    waiver = waivers.get(drift.id)
    if waiver is None:
        return None, ""
    until = f"the waiver by {waiver.by} until {utc(waiver.until)}"
    if waiver.until <= now:
        return None, f"{until} is over"
    if default_of(drift) is Decided.HOLD:
        return None, f"{until} does not count, since nothing was concluded that could be accepted"
    values = drift.values
    if dict(waiver.pinned) != dict(values):
        names = sorted(waiver.pinned.keys() | values.keys())
        other = [name for name in names if waiver.pinned.get(name) != values.get(name)]
        said = ", ".join(f"{name} {waiver.pinned.get(name, 'none')}, now {values.get(name, 'none')}" for name in other)
        return None, f"{until} was for other values: {said}"
    return waiver, ""


def next_try(failures: Failures) -> datetime:
    """When a fix that failed is tried again: after 5 minutes, then three times as long each time, up to a day."""
    longer: int = _TIMES_LONGER ** min(failures.count - 1, _MOST_TIMES)
    return failures.last_at + min(_FIRST_RETRY * longer, _LAST_RETRY)


def _proof(asked: Question) -> Tried:
    against = asked.drift.stopped_by
    return Tried(rule="proof", words=against or "the facts themselves forbid nothing", stops=bool(against))


def _beside(asked: Question, fix: Fix) -> Tried:
    against = [other for other in asked.others if fix.direction in stops_of(other)]
    against.sort(key=lambda other: other.code is Code.IN_FLIGHT)  # what only takes its time is told last
    if against:
        first = against[0]
        by = By.TIME if first.code is Code.IN_FLIGHT else By.SAFETY
        return Tried(rule=first.code, words=f"{first.code} forbids it: {first.text}", stops=True, by=by)
    return Tried(rule="beside", words="no other drift of the organisation forbids it", stops=False)


def _waived_beside(asked: Question) -> Tried:
    for other in asked.others:
        waiver, _ = waiver_of(other, asked.waivers, asked.now)
        if waiver is not None:
            words = f"{waiver.by} waived {other.id} until {utc(waiver.until)}: {waiver.reason}"
            return Tried(rule="waiver", words=words, stops=True)
    return Tried(rule="waiver", words="nothing of the organisation is waived", stops=False)


def _whole(asked: Question) -> Tried:
    if not asked.complete:
        return Tried(rule="incomplete", words="a run that did not read every source whole lowers nothing", stops=True)
    partial = asked.scope.partial
    words = "a run over some organisations or codes lowers nothing" if partial else "the run looks at everything"
    return Tried(rule="partial", words=words, stops=partial)


def _confirmed(asked: Question) -> Tried:
    seen, needed = asked.confirmed.runs_seen, asked.policy.confirm_runs
    words = f"seen in {seen} of the {needed} complete runs in a row that it needs"
    return Tried(rule="confirm_runs", words=words, stops=seen < needed, by=By.TIME)


def _settled(asked: Question, rule: str, needed: timedelta) -> Tried:
    stops = asked.now - asked.confirmed.first_seen < needed
    words = f"seen for {'less than' if stops else 'at least'} {rule} ({duration_text(needed)})"
    return Tried(rule=rule, words=words, stops=stops, by=By.TIME)


def _backoff(asked: Question) -> Tried:
    failures = asked.failures
    if failures is None or failures.count < 1:
        return Tried(rule="backoff", words="it has not failed", stops=False)
    at = next_try(failures)
    failed = f"failed {failures.count} times in a row, the last at {utc(failures.last_at)}"
    if failures.count == 1:
        failed = f"failed at {utc(failures.last_at)}"
    words = f"{failed} ({failures.error}); it is tried again from {utc(at)} on"
    return Tried(rule="backoff", words=words, stops=asked.now < at, by=By.TIME)


def _policy(asked: Question, direction: Direction) -> Iterator[Tried]:
    code, policy = asked.drift.code, asked.policy
    said = policy.codes.get(code)
    flags = said is not None and said.do is Do.FLAG
    words = f"policy flags {code}" if flags else f"policy does not flag {code}"
    yield Tried(rule=f"policy.codes.{code}", words=words, stops=flags, by=By.POLICY)
    does = {Direction.RAISE: policy.raising, Direction.LOWER: policy.lowering, Direction.LINK: policy.linking}
    flags = does[direction] is not Do.FIX
    words = f"policy flags every fix to {direction}" if flags else f"policy lets fixes to {direction} be written"
    yield Tried(rule=f"policy.{direction}", words=words, stops=flags, by=By.POLICY)
    flags = policy.mode is Mode.FLAG
    words = "policy flags everything (mode)" if flags else "policy lets fixes be written (mode)"
    yield Tried(rule="policy.mode", words=words, stops=flags, by=By.POLICY)
