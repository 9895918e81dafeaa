"""Looks afresh at one organisation, at people's word and at billing, right before a fix of it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.cycle.line import Line, Pass
from reconciler.cycle.observe import as_org, read_store
from reconciler.model.acts import Acts
from reconciler.model.billing import Source
from reconciler.model.drift import Decided, Decision, Direction, Fix
from reconciler.model.observation import CustomerReading, Observation
from reconciler.model.orgs import DELETED, Org
from reconciler.rules.case import World
from reconciler.rules.compare import Judgement, faults_of, make_world
from reconciler.rules.decide import decide
from reconciler.rules.identity import Link, link_of
from reconciler.rules.judge import judge_org
from reconciler.rules.written import after

OLDEST = timedelta(hours=1)
"""How long after the sweep its fixes may still be written: identities beyond the one in hand are as old as that."""
_OLDEST_FOR_LINKS = timedelta(
    minutes=1
)  # there may be thousands, and to read the whole store takes a third of a second


class Confirmer:
    """Confirms the fixes of one observation, one at a time.

    What it cannot see afresh is bounded by OLDEST: a Stripe customer whose metadata came to name the organisation only
    since the sweep.
    """

    def __init__(self, observation: Observation, line: Line, asked: Pass) -> None:
        """Nothing is read yet."""
        self._line = line
        self._scope = asked.scope
        self._approved = frozenset(fix.key for fix in asked.approval.plan.fixes) if asked.approval else frozenset()
        self._swept_at = self._looked_at = observation.as_of
        self._observation = observation
        self._world: World = make_world(observation, line.terms)
        self._expected: dict[str, Org] = {org.id: org for org in observation.store.orgs}

    def wrote(self, fix: Fix) -> None:
        """`fix` was written: from now on its organisation is expected as it made it."""
        self._expected[fix.org_id] = after(self._expected[fix.org_id], fix)

    def stale(self, fix: Fix) -> str:
        """Why `fix` must not be written after all; empty if it may.

        To raise, every granting side is read again, to lower or to link every configured one, and the organisation is
        judged with these readings, with the store and people's word as they are now. Raises StoreError, LedgerError,
        SourceUnavailableError or SourceRefusedError.
        """
        now = self._line.clock.now()
        if now - self._swept_at > OLDEST:
            return f"what it stands on was read at {self._swept_at:%H:%M} UTC, more than an hour ago"
        self._hear(now)
        org = self._look(fix, now)
        if org is None:
            return "the organisation is no longer in the store"
        if org != self._expected[fix.org_id]:
            return "the organisation changed since it was read"
        world = replace(self._world, now=now)
        for source in self._sides_to_read(fix):
            link = link_of(org, source, self._world.index)
            appeared = self._appeared(org, link)
            if appeared:
                return appeared
            for customer_id in link.customers:
                reading, changed = self._read_again(source, customer_id)
                if reading is None:
                    return changed
                world = replace(world, index=world.index.with_reading(reading))
        return self._judged_again(org, fix, world, now)

    def _hear(self, now: datetime) -> None:
        """What people said since: a waiver or a contract can make a fix wrong."""
        if self._line.ledger is None:
            return
        acts, history = self._line.ledger.acts(now), self._observation.history
        if acts == Acts(waivers=history.waivers, contracts=history.contracts, releases=history.releases):
            return
        history = replace(history, waivers=acts.waivers, contracts=acts.contracts, releases=acts.releases)
        self._see(replace(self._observation, history=history))

    def _look(self, fix: Fix, now: datetime) -> Org | None:
        """The organisation as it is now; beside it who else leads to which customer, before a link as of a minute."""
        if fix.direction is Direction.LINK and now - self._looked_at < _OLDEST_FOR_LINKS:
            record = self._line.store.get_org(fix.org_id)
            return as_org(record) if record is not None else None
        store, seen = read_store(self._line.store), self._observation.store
        self._looked_at = now
        if store.version != seen.version:
            again = replace(self._observation, store=store)
            if store.invalid != seen.invalid or _leads(store.orgs) != _leads(seen.orgs):
                self._see(again)
            else:
                self._observation = again
        return next((org for org in store.orgs if org.id == fix.org_id), None)

    def _see(self, observation: Observation) -> None:
        self._observation = observation
        self._world = make_world(observation, self._line.terms)

    def _appeared(self, org: Org, link: Link) -> str:
        """A customer that leads to the organisation by its own id, and did not at the sweep."""
        customer = self._line.sources[link.source].find_customer(org.id)
        if customer is None or customer.id in link.customers:
            return ""
        return f"the {link.source} customer {customer.id} appeared since it was read"

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
        if fix.direction is Direction.RAISE:
            return self._line.terms.authority_for(fix.org_id).sides
        return tuple(self._line.sources)

    def _judged_again(self, org: Org, fix: Fix, world: World, now: datetime) -> str:
        fault = faults_of(self._observation).get(org.id, "")
        judgement = Judgement(verdicts=(judge_org(org, world, fault),), unclaimed=(), unreadable=())
        again = decide(judgement, replace(self._observation, as_of=now), self._line.policy, self._scope)
        same = next((each for each in again if each.drift.fix == fix), None)
        if same is None:
            return "read again, billing no longer says so"
        return "" if self._may(same) else f"judged again, it is stopped: {same.reason}"

    def _may(self, decision: Decision) -> bool:
        fix = decision.drift.fix
        approved = decision.needs_approval and fix is not None and fix.key in self._approved
        return decision.decided is Decided.FIX or approved


def _leads(orgs: tuple[Org, ...]) -> Mapping[str, tuple[str | None, str | None, bool]]:
    """By which ids each organisation leads to customers."""
    return {org.id: (org.lago_id, org.stripe_id, org.status == DELETED) for org in orgs}
