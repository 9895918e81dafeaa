"""What earlier runs and people left, ready to look up for one organisation or one subscription."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone

from reconciler.model.acts import Contract
from reconciler.model.billing import Subscription, SubscriptionStatus
from reconciler.model.drift import Call, Code, Direction, Fix
from reconciler.model.history import History, TierChange
from reconciler.model.orgs import Org
from reconciler.rules.changes import subscription_digest

_FIRST_TIME_ZONE, _LAST_TIME_ZONE = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
_OVER = frozenset({SubscriptionStatus.ENDED, SubscriptionStatus.ABANDONED})
_WRITES_TIERS = {
    Code.TIER_UNDER: Direction.RAISE,
    Code.PAID_NOT_REFLECTED: Direction.RAISE,
    Code.DOWNGRADE_EARLY: Direction.RAISE,
    Code.TIER_OVER: Direction.LOWER,
    Code.ENDED_STILL_ENTITLED: Direction.LOWER,
    Code.NEVER_PAID_ENTITLED: Direction.LOWER,
    Code.DOWNGRADE_LATE: Direction.LOWER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The history of one pass. Where it holds nothing of organisations or subscriptions, nothing has changed."""

    history: History
    contracts: Mapping[str, tuple[Contract, ...]] = field(default_factory=dict)
    done: frozenset[str] = frozenset()

    @classmethod
    def of(cls, history: History) -> Past:
        """Index `history`."""
        contracts: dict[str, list[Contract]] = defaultdict(list)
        for contract in history.contracts:
            contracts[contract.org_id].append(contract)
        return cls(
            history=history,
            contracts={org_id: tuple(sorted(held, key=lambda each: each.id)) for org_id, held in contracts.items()},
            done=frozenset(each.key for each in history.done) | history.fixed_at.keys(),
        )

    @property
    def knows_changes(self) -> bool:
        """Whether any complete run recorded anything to compare with."""
        return bool(self.history.orgs or self.history.subscriptions)

    def last_change(
        self, org: Org, subscriptions: Iterable[Subscription], now: datetime
    ) -> tuple[datetime, str] | None:
        """When the organisation or one of its subscriptions last changed, and which; None where none is known to have.

        What has changed since the last complete run changed `now` (drift_codes.md, Changed).
        """
        moments = [*self._org_changed(org, now)]
        for each in subscriptions:
            moments.extend(self._subscription_changed(each, now))
        return max(moments, default=None)

    def _org_changed(self, org: Org, now: datetime) -> Iterable[tuple[datetime, str]]:
        if not self.history.orgs:
            return
        state = self.history.orgs.get(org.id)
        seen = None if state is None else (state.tier, state.status, state.lago_id or None, state.stripe_id or None)
        if state is None or seen != (org.tier, org.status, org.lago_id or None, org.stripe_id or None):
            yield now, "the organisation"
        elif state.since is not None:
            yield state.since, "the organisation"

    def _subscription_changed(self, subscription: Subscription, now: datetime) -> Iterable[tuple[datetime, str]]:
        if not self.knows_changes:
            return
        state = self.history.subscriptions.get(subscription.id)
        if subscription.status in _OVER:  # what is over is not recorded: it changed now, or when it ended
            if state is not None:
                yield now, subscription.id
            elif subscription.ended_at is not None:
                yield subscription.ended_at, subscription.id
        elif state is None or state.digest != subscription_digest(subscription):
            yield now, subscription.id
        elif state.since is not None:
            yield state.since, subscription.id

    def earliest_change(self, subscription: Subscription) -> datetime | None:
        """The earliest date that was ever given for the change that `subscription` waits for.

        Lago computes the date anew each day, so a change that it missed merely moves on.
        """
        if subscription.next_at is None:
            return None
        state = self.history.subscriptions.get(subscription.id)
        recorded = None if state is None else state.next_at
        return subscription.next_at if recorded is None else min(recorded, subscription.next_at)

    def tier_change(self, org: Org, tiers: Iterable[str], now: datetime) -> TierChange | None:
        """The last change of the tier of `org` that runs saw, one since the last complete run included.

        That run recorded what it saw before it wrote: what it then wrote itself, to any of `tiers`, was its own.
        """
        state, last = self.history.orgs.get(org.id), self.history.tier_changes.get(org.id)
        if state is None or state.tier == org.tier:
            return last
        wrote = any(self._was_ours(org, state.tier, tier) for tier in tiers if tier not in {state.tier, org.tier})
        return TierChange(
            before=state.tier,
            after=org.tier,
            seen_at=now,
            our_own=self._was_ours(org, state.tier, org.tier),
            before_our_own=wrote or (last is not None and last.our_own and last.after == state.tier),
        )

    def _was_ours(self, org: Org, before: str, after: str) -> bool:
        """Whether a fix of ours took the organisation from one tier to the other, as far as fixes are remembered."""
        return any(
            Fix(
                org_id=org.id,
                drift_id=f"{code}:{org.id}",
                call=Call.PLAN,
                arguments={"plan_tier": after},
                expects={"plan_tier": before, "status": org.status},
                direction=direction,
            ).key
            in self.done
            for code, direction in _WRITES_TIERS.items()
        )

    def contracts_of(self, org_id: str, now: datetime) -> tuple[tuple[Contract, ...], tuple[Contract, ...]]:
        """The contracts of an organisation that are in force at `now`, and those that are over."""
        held = self.contracts.get(org_id)
        if not held:
            return (), ()
        begun = [each for each in held if begins_at(each.start) <= now]
        over = [each for each in begun if each.end is not None and over_at(each.end) <= now]
        return tuple(each for each in begun if each not in over), tuple(over)

    def first_seen(self, drift_id: str) -> datetime | None:
        """Since when the drift has been open."""
        sighting = self.history.open_drifts.get(drift_id)
        return None if sighting is None else sighting.first_seen

    def runs_seen(self, drift_id: str) -> int:
        """In how many complete runs without a gap the drift was seen."""
        sighting = self.history.open_drifts.get(drift_id)
        return 0 if sighting is None else sighting.runs_seen


def begins_at(day: date) -> datetime:
    """When `day` begins in the first time zone that it begins in."""
    return datetime.combine(day, time(), _FIRST_TIME_ZONE)


def over_at(day: date) -> datetime:
    """When `day` is over everywhere: a date counts as past only when it is past in the last time zone too."""
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day, time(), _LAST_TIME_ZONE) + timedelta(days=1)
