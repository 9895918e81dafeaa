"""One try at a pass, whatever comes of it: no failure leaves it but as a problem of a named part."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import structlog

from reconciler.billing.asking import Retry
from reconciler.bootstrap.line import make_line
from reconciler.bootstrap.sources import say_retry
from reconciler.cycle.line import Pass
from reconciler.cycle.run import run_pass
from reconciler.cycle.stopping import Stop, Stopped
from reconciler.errors import LedgerError, ReconcilerError, RunLockedError, SetupError, StoreError
from reconciler.model.billing import Source
from reconciler.model.run import OutcomeResult, RunMode, RunRecord, RunResult, Trigger
from reconciler.model.terms import Mode
from reconciler.ports import Clock
from reconciler.settings import Settings

_log = structlog.get_logger()


class Part(StrEnum):
    """What of a pass is in trouble; public: a label of the metrics and a field of the log."""

    LAGO = "lago"
    STRIPE = "stripe"
    STORE = "store"
    LEDGER = "ledger"
    LOCK = "lock"
    SETUP = "setup"
    DISK = "disk"
    UNEXPECTED = "unexpected"
    FIXES = "fixes"
    LIMITS = "limits"
    REPORTS = "reports"


# With these a pass judged all there is: trying again sooner than by the schedule would change nothing.
JUDGED = frozenset({Part.FIXES, Part.LIMITS, Part.REPORTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try at a pass: its run where one was judged, and what was in trouble; `throttled` counts the answers 429."""

    started_at: datetime
    finished_at: datetime
    run: RunRecord | None = None
    problems: Mapping[Part, str] = field(default_factory=dict)
    throttled: Mapping[Source, int] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it is worth another try before the schedule's."""
        return bool(self.problems.keys() - JUDGED)


def attempt_pass(settings: Settings, environ: Mapping[str, str], clock: Clock, stop: Stop) -> Attempt | None:
    """Run a pass by the schedule. Raises nothing; returns None where `stop` ended it."""
    started_at = clock.now()
    throttled: Counter[Source] = Counter()

    def on_retry(retry: Retry) -> None:
        throttled[retry.source] += retry.throttled
        say_retry(retry)

    run: RunRecord | None = None
    problems: dict[Part, str] = {}
    try:
        mode = RunMode.FIX if settings.policy.mode is Mode.FIX else RunMode.FLAG
        with make_line(settings, environ, dry_run=False, record=True, on_retry=on_retry) as made:
            run = run_pass(made.line, Pass(mode=mode, trigger=Trigger.SCHEDULE, notes=made.notes), stop=stop)
            problems.update(_problems_of(run))
            if made.reports is not None and made.reports.problem:
                problems[Part.REPORTS] = made.reports.problem
    except Stopped:
        return None
    except Exception as error:  # noqa: BLE001 -- nothing of a bad pass may end the daemon; each is told as a problem
        part, problem = _told(error)
        if part is Part.UNEXPECTED:
            _log.exception("daemon.bug")
        problems[part] = problem
    return Attempt(
        started_at=started_at, finished_at=clock.now(), run=run, problems=problems, throttled=dict(throttled)
    )


def _told(error: Exception) -> tuple[Part, str]:
    match error:
        case RunLockedError():
            part = Part.LOCK
        case SetupError():
            part = Part.SETUP
        case StoreError():
            part = Part.STORE
        case LedgerError():
            part = Part.LEDGER
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Part.DISK, "The disk is full"
        case _:
            part = Part.UNEXPECTED
    return part, error.problem if isinstance(error, ReconcilerError) else f"A bug: {type(error).__name__}"


def _problems_of(run: RunRecord) -> Iterator[tuple[Part, str]]:
    for source, read in run.sources.items():
        if not read.complete:
            yield Part(source.value), read.problem or f"{source.value} was not read whole"
    failed = [each for each in run.outcomes if each.result is OutcomeResult.FAILED]
    if failed:
        yield Part.FIXES, f"{len(failed)} fixes failed, the first: {failed[0].error or 'without a word'}"
    if run.result is RunResult.REFUSED:
        rules = ", ".join(f"{direction.value} by {rule}" for direction, rule in run.plan.refused_by.items())
        yield Part.LIMITS, run.refusal or f"A limit refuses to {rules}"
