"""How the daemon is: a value made anew by every attempt, from which health, metrics and STATUS= are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from reconciler.daemon.attempt import Attempt, Part
from reconciler.model.drift import Decided
from reconciler.model.run import CurrencyTotals, OutcomeResult, RunRecord

_FIRST_WAIT = timedelta(seconds=5)
_MOST_DOUBLINGS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with one part, in the words of the last attempt, and since when."""

    problem: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the last complete run saw: drifts by code and state, the oldest one, money by currency."""

    drifts: Mapping[tuple[str, str], int]
    oldest: datetime | None
    money: Mapping[str, CurrencyTotals]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Everything that is told of the daemon. `sound_at` is by the monotonic clock, which no one sets.

    `sound_at`: when the last run ended that had no problem with a source, the store or the ledger.
    """

    interval: timedelta
    last_attempt: datetime | None = None
    last_complete: datetime | None = None
    sound_at: float | None = None
    failures: int = 0
    troubles: Mapping[Part, Trouble] = field(default_factory=dict)
    picture: Picture | None = None
    last_words: str = ""
    held: int = 0
    duration_s: float = 0.0
    runs: Mapping[str, int] = field(default_factory=dict)
    fixes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    throttled: Mapping[str, int] = field(default_factory=dict)
    irregular: Mapping[str, int] = field(default_factory=dict)
    next_run: datetime | None = None
    rejected_settings: str = ""

    def after(self, attempt: Attempt, *, monotonic_s: float) -> Condition:
        """The condition once `attempt` has ended, at `monotonic_s`."""
        run = attempt.run
        troubles = {
            part: Trouble(problem=problem, since=self.troubles[part].since)
            if part in self.troubles
            else Trouble(problem=problem, since=attempt.finished_at)
            for part, problem in attempt.problems.items()
        }
        changed = replace(
            self,
            last_attempt=attempt.started_at,
            failures=self.failures + 1 if attempt.failed else 0,
            sound_at=self.sound_at if attempt.failed else monotonic_s,
            troubles=troubles,
            throttled=_added(self.throttled, {source.value: count for source, count in attempt.throttled.items()}),
            runs=_added(self.runs, {run.result.value if run else "none": 1}),
            duration_s=(attempt.finished_at - attempt.started_at).total_seconds(),
            last_words=_words(run),
        )
        if run is None:
            return changed
        proofs = {source.value: read.proof for source, read in run.sources.items()}
        fixes = Counter((each.fix.direction.value, each.result.value) for each in run.outcomes)
        return replace(
            changed,
            last_complete=run.finished_at if run.complete else self.last_complete,
            picture=picture_of(run) if run.complete else self.picture,
            held=run.totals.held,
            fixes={key: self.fixes.get(key, 0) + fixes[key] for key in {*self.fixes, *fixes}},
            requests=_added(self.requests, {name: proof.requests for name, proof in proofs.items() if proof}),
        )

    def ready(self, *, monotonic_s: float) -> bool:
        """Whether the last run without a source problem is younger than twice the interval."""
        return self.sound_at is not None and monotonic_s - self.sound_at < 2 * self.interval.total_seconds()

    @property
    def retry_after(self) -> timedelta | None:
        """How long to wait before trying again, doubling with each failure in a row; None where there is no need."""
        if not self.failures:
            return None
        doublings: int = min(self.failures - 1, _MOST_DOUBLINGS)
        return min(_FIRST_WAIT * (1 << doublings), self.interval)

    def status(self) -> str:
        """One line for people: the last result, what is wrong, and when the next run is."""
        parts = [self.last_words or "No run yet"]
        parts += [f"{part.value} since {_time(each.since)}: {each.problem}" for part, each in self.troubles.items()]
        if self.rejected_settings:
            parts.append(f"keeps the settings it has: {self.rejected_settings}")
        parts.append(f"next run {_time(self.next_run)}" if self.next_run else "no next run")
        return " ".join("; ".join(parts).split())


def picture_of(run: RunRecord) -> Picture:
    """What `run` saw and left: a drift that it fixed counts as fixed."""
    fixed = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
    drifts: Counter[tuple[str, str]] = Counter()
    left: list[datetime] = []
    for each in run.decisions:
        if each.decided is Decided.OK:
            continue
        is_fixed = each.drift.id in fixed
        drifts[each.drift.code.value, "fixed" if is_fixed else each.decided.value] += 1
        if not is_fixed and each.decided is not Decided.IGNORE:
            left.append(each.first_seen)
    return Picture(drifts=drifts, oldest=min(left, default=None), money=run.totals.money)


def _words(run: RunRecord | None) -> str:
    if run is None:
        return "The last run could not be judged"
    fixed = sum(each.result is OutcomeResult.FIXED for each in run.outcomes)
    counts = f"{run.totals.drift} drifts, {run.totals.held} held, {fixed} fixed"
    return f"Run {run.id} ended {_time(run.finished_at)}: {run.result.value}, {counts}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"


def _added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) + more.get(name, 0) for name in {**counts, **more}}
