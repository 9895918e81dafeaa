"""What complete runs saw of organisations and subscriptions, told by going through every run again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.model.drift import Call
from reconciler.model.history import OrgState, SubscriptionState, TierChange
from reconciler.model.orgs import Org
from reconciler.model.run import Outcome, RunRecord, RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrg:
    """An organisation as the last complete run saw it, and whose writes its tier and status are."""

    state: OrgState
    own_tier: bool = False
    own_status: bool = False
    tier_change: TierChange | None = None


def counts(run: RunRecord) -> bool:
    refused = (run.result is RunResult.REFUSED or run.refusal is not None) and not run.plan.refused_by
    return run.complete and not run.partial and not refused


def orgs_seen(recorded: Iterable[RunRecord]) -> dict[str, SeenOrg]:
    seen: dict[str, SeenOrg] = {}
    ever: list[Outcome] = []
    written: list[Outcome] = []
    first = True
    for run in recorded:
        if counts(run):
            own = {(each.fix.org_id, each.fix.call, value) for each in written for value in each.fix.arguments.values()}
            seen = {org.id: _seen_org(org, seen.get(org.id), run, own, first=first) for org in run.orgs}
            written = [each for each in ever if run.as_of <= each.at <= run.finished_at]
            first = False
        ever += (each for each in run.outcomes if each.written)
        written += (each for each in run.outcomes if each.written)
    return seen


def _seen_org(
    org: Org, before: SeenOrg | None, run: RunRecord, written: set[tuple[str, Call, str]], *, first: bool
) -> SeenOrg:
    since = None if first else run.as_of
    state = OrgState(tier=org.tier, status=org.status, lago_id=org.lago_id, stripe_id=org.stripe_id, since=since)
    if before is None:
        return SeenOrg(state=state)
    if replace(before.state, since=since) == state:
        return before
    own_status, own_tier, change = before.own_status, before.own_tier, before.tier_change
    if org.status != before.state.status:
        own_status = (org.id, Call.STATUS, org.status) in written
    if org.tier != before.state.tier:
        own_tier = (org.id, Call.PLAN, org.tier) in written
        change = TierChange(
            before=before.state.tier,
            after=org.tier,
            seen_at=run.as_of,
            our_own=own_tier,
            before_our_own=before.own_tier,
        )
    return SeenOrg(state=state, own_tier=own_tier, own_status=own_status, tier_change=change)


def seen_subscriptions(recorded: Iterable[RunRecord]) -> dict[str, SubscriptionState]:
    seen: dict[str, SubscriptionState] = {}
    first = True
    for run in recorded:
        if not counts(run):
            continue
        earlier, seen = seen, {}
        for each in run.subscriptions:
            before = earlier.get(each.id)
            since = before.since if before and before.digest == each.digest else None if first else run.as_of
            dates = [date for date in (each.next_at, before.next_at if before else None) if date is not None]
            next_at = min(dates) if each.next_at is not None else None
            seen[each.id] = SubscriptionState(digest=each.digest, since=since, next_at=next_at)
        first = False
    return seen
