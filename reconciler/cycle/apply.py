"""Writes the fixes of a plan, each only after its organisation was read again and judged again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from reconciler.cycle.line import Line, Pass
from reconciler.cycle.observe import as_org
from reconciler.cycle.stopping import Stop, Stopped
from reconciler.errors import ReconcilerError, SourceRefusedError, SourceUnavailableError, StaleOrganizationError
from reconciler.model.billing import Source
from reconciler.model.drift import Call, Decided, Direction, Fix
from reconciler.model.observation import CustomerReading, Observation
from reconciler.model.orgs import Org
from reconciler.model.run import Outcome, OutcomeResult, Plan, RunMode
from reconciler.rules.case import World
from reconciler.rules.compare import Judgement, make_world
from reconciler.rules.decide import Scope, decide
from reconciler.rules.identity import link_of
from reconciler.rules.judge import judge_org

_log = structlog.get_logger()

_FAILURES_THAT_STOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of the fixes that were begun, and what broke the writing off, if anything did."""

    outcomes: tuple[Outcome, ...] = ()
    broken_off: BaseException | None = None


NOTHING_APPLIED = Applied()


def apply(plan: Plan, observation: Observation, line: Line, asked: Pass, *, run_id: str, stop: Stop) -> Applied:
    """Write what `plan` may write, in its order; nothing in a dry run.

    What it is about to write is in the ledger first: raises LedgerError where that fails, and then nothing was
    written. One failure stops no other fix; five in a row stop the rest, which come back as skipped.
    """
    if asked.mode is RunMode.DRY_RUN or not plan.to_write:
        return NOTHING_APPLIED
    applier = _Applier(observation, line, asked.scope)
    if line.ledger is not None:
        line.ledger.intend(run_id, plan.to_write, line.clock.now())
    outcomes: list[Outcome] = []
    try:
        _apply_all(plan.to_write, applier, outcomes, stop)
    except Stopped as stopped:
        return Applied(outcomes=tuple(outcomes), broken_off=stopped)
    except BaseException as error:  # noqa: BLE001 -- raised again by run_pass, once what was written is recorded
        in_hand = plan.to_write[len(outcomes)]
        words = f"broken off by {type(error).__name__}; it may have been written"
        outcomes.append(applier.outcome(in_hand, OutcomeResult.FAILED, words, written=True))
        return Applied(outcomes=tuple(outcomes), broken_off=error)
    return Applied(outcomes=tuple(outcomes))


def _apply_all(fixes: Sequence[Fix], applier: _Applier, outcomes: list[Outcome], stop: Stop) -> None:
    failed_in_a_row = 0
    for fix in fixes:
        if stop.asked:
            raise Stopped
        if failed_in_a_row < _FAILURES_THAT_STOP:
            outcome = applier.apply_one(fix)
        else:
            outcome = applier.outcome(fix, OutcomeResult.SKIPPED, f"{_FAILURES_THAT_STOP} fixes in a row failed")
        failed = outcome.result in {OutcomeResult.FAILED, OutcomeResult.SKIPPED}
        failed_in_a_row = failed_in_a_row + 1 if failed else 0
        _say(outcome)
        outcomes.append(outcome)


class _Applier:
    """Applies the fixes of one observation, one at a time; remembers what it wrote itself."""

    def __init__(self, observation: Observation, line: Line, scope: Scope) -> None:
        self._line = line
        self._observation = observation
        self._scope = scope
        self._world: World = make_world(observation, line.terms)
        self._orgs: dict[str, Org] = {org.id: org for org in observation.store.orgs}

    def apply_one(self, fix: Fix) -> Outcome:
        """Read again, judge again, write, read back."""
        written = False
        try:
            stale = self._stale(fix)
            if stale:
                return self.outcome(fix, OutcomeResult.STALE, stale)
            written = self._write(fix)
            if not written:
                return self.outcome(fix, OutcomeResult.STALE, "the organisation is no longer in the store")
            return self._read_back(fix)
        except StaleOrganizationError as error:
            return self.outcome(fix, OutcomeResult.STALE, error.problem)
        except (SourceUnavailableError, SourceRefusedError) as error:
            return self.outcome(fix, OutcomeResult.SKIPPED, error.problem)
        except ReconcilerError as error:
            return self.outcome(fix, OutcomeResult.FAILED, error.problem, written=written)

    def _stale(self, fix: Fix) -> str:
        """Why `fix` must not be written after all, by a fresh look at the store and at billing; empty if it may."""
        record = self._line.store.get_org(fix.org_id)
        if record is None:
            return "the organisation is no longer in the store"
        org = as_org(record)
        if org != self._orgs[fix.org_id]:
            return "the organisation changed since it was read"
        world = replace(self._world, now=self._line.clock.now())
        for source in self._sides_to_read(fix):
            linked = link_of(org, source, self._world.index).customers
            if not linked and fix.direction is not Direction.RAISE:
                appeared = self._line.sources[source].find_customer(org.id)
                if appeared is not None:
                    return f"the {source} customer {appeared.id} appeared since it was read"
            for customer_id in linked:
                reading, changed = self._read_again(source, customer_id)
                if reading is None:
                    return changed
                world = replace(world, index=world.index.with_reading(reading))
        verdict = judge_org(org, world)
        again = decide(
            Judgement(verdicts=(verdict,), unclaimed=(), unreadable=()),
            self._observation,
            self._line.policy,
            self._scope,
        )
        if not any(each.decided is Decided.FIX and each.drift.fix == fix for each in again):
            return "read again, billing no longer says so"
        return ""

    def _read_again(self, source: Source, customer_id: str) -> tuple[CustomerReading | None, str]:
        """The customer as it is now, or how it is not the one that was read."""
        known = self._world.index.customers[source].get(customer_id)
        if known is None:
            return None, f"the {source} customer {customer_id} is not known"
        reading = self._line.sources[source].read_customer(known)
        if reading.customer.org_key != known.org_key or reading.customer.deleted:
            return None, f"the {source} customer {customer_id} changed since it was read"
        return reading, ""

    def _sides_to_read(self, fix: Fix) -> tuple[Source, ...]:
        """To raise, every granting side; to lower or to link, every configured one."""
        if fix.direction is Direction.RAISE:
            return self._world.terms.authority_for(fix.org_id).sides
        return tuple(self._line.sources)

    def _write(self, fix: Fix) -> bool:
        match fix.call:
            case Call.PLAN:
                return self._line.store.update_org_plan(fix.org_id, **fix.arguments, expected=fix.expects)
            case Call.STATUS:
                return self._line.store.update_org_status(fix.org_id, **fix.arguments, expected=fix.expects)
            case Call.BILLING_IDS:
                return self._line.store.update_org_billing_ids(fix.org_id, **fix.arguments, expected=fix.expects)

    def _read_back(self, fix: Fix) -> Outcome:
        record = self._line.store.get_org(fix.org_id)
        found = as_org(record) if record is not None else None
        if found is None or _after(found, fix) != found:
            error = "reading it back shows something else than was written"
            return self.outcome(fix, OutcomeResult.FAILED, error, written=True)
        self._orgs[fix.org_id] = _after(self._orgs[fix.org_id], fix)
        return self.outcome(fix, OutcomeResult.FIXED, written=True)

    def outcome(self, fix: Fix, result: OutcomeResult, error: str | None = None, *, written: bool = False) -> Outcome:
        """What became of `fix`, now."""
        return Outcome(fix=fix, result=result, at=self._line.clock.now(), error=error, written=written)


def _after(org: Org, fix: Fix) -> Org:
    names = {"plan_tier": "tier", "status": "status", "lago_id": "lago_id", "stripe_id": "stripe_id"}
    changed: dict[str, str] = {names[argument]: value for argument, value in fix.arguments.items()}
    return Org(
        id=org.id,
        name=org.name,
        created_at=org.created_at,
        tier=changed.get("tier", org.tier),
        status=changed.get("status", org.status),
        lago_id=changed.get("lago_id", org.lago_id),
        stripe_id=changed.get("stripe_id", org.stripe_id),
    )


def _say(outcome: Outcome) -> None:
    fix = outcome.fix
    fields = {"org_id": fix.org_id, "drift_id": fix.drift_id, "call": fix.call.value, "direction": fix.direction.value}
    match outcome.result:
        case OutcomeResult.FIXED:
            _log.info("fix.applied", **fields, arguments=dict(fix.arguments))
        case OutcomeResult.STALE:
            _log.warning("fix.stale", **fields, reason=outcome.error)
        case OutcomeResult.FAILED | OutcomeResult.SKIPPED:
            _log.error("fix.failed", **fields, reason=outcome.error)
