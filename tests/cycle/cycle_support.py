"""A line on fakes, with two sources and as many organisations as a test needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from builders import FIX_ALL, WIDE, lago_customer, lago_sub, org, snapshot, stripe_customer, stripe_sub, terms
from fakes import FakeClock, FakeOrgManager, FakeReports
from fakes_billing import FakeBillingSource
from fakes_ledger import FakeLedger
from reconciler.cycle.line import Line, Pass
from reconciler.cycle.run import run_pass
from reconciler.model.billing import Customer, Source, Subscription
from reconciler.model.orgs import Org
from reconciler.model.run import Outcome, RunMode, RunRecord


@dataclass(slots=True)
class Works:
    """Every fake of one line, at hand for a test."""

    store: FakeOrgManager
    lago: FakeBillingSource
    stripe: FakeBillingSource
    ledger: FakeLedger
    reports: FakeReports
    clock: FakeClock
    line: Line

    def run(self, mode: RunMode = RunMode.FIX, **asked: Any) -> RunRecord:
        return run_pass(self.line, Pass(mode=mode, **asked))


def works(orgs: Iterable[Org], *held: Customer | Subscription, **line: Any) -> Works:
    sides = {
        side: FakeBillingSource(
            snapshot(
                side,
                [each for each in held if isinstance(each, Customer) and each.source is side],
                [each for each in held if isinstance(each, Subscription) and each.source is side],
            )
        )
        for side in Source
    }
    store, ledger, reports, clock = FakeOrgManager.of(orgs), FakeLedger(), FakeReports(), FakeClock()
    parts: dict[str, Any] = {
        "store": store,
        "sources": sides,
        "ledger": ledger,
        "reports": reports,
        "clock": clock,
        "terms": terms(),
        "policy": FIX_ALL,
        "limits": WIDE,
        "config_sha256": "0" * 64,
        "version": "0",
    }
    return Works(
        store=store,
        lago=sides[Source.LAGO],
        stripe=sides[Source.STRIPE],
        ledger=ledger,
        reports=reports,
        clock=clock,
        line=Line(**{**parts, **line}),
    )


def results(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    return [(each.fix.org_id, each.result.value) for each in outcomes]


def linked(number: int, tier: str) -> Org:
    """An organisation with both ids recorded."""
    return org(number, tier, lago_id=f"org_{number}", stripe_id=f"cus_{number}")


def billed(number: int, tier: str = "professional") -> tuple[Customer | Subscription, ...]:
    """Both sides agree on `tier`."""
    return (lago_customer(number), stripe_customer(number), lago_sub(number, tier), stripe_sub(number, tier))
