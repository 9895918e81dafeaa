"""What Lago tells beside customers and subscriptions: overdue invoices, lost disputes and coupons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.billing.asking import OutageError
from reconciler.billing.crew import OneByOne
from reconciler.billing.lago_client import LagoClient, Params
from reconciler.billing.lago_lists import LagoLists
from reconciler.billing.lago_wire import One, WireAppliedCoupon, WireInvoice
from reconciler.billing.network import Asking
from reconciler.billing.side import read_sides
from reconciler.billing.tally import Tally
from reconciler.errors import CredentialError, SourceRefusedError
from reconciler.model.observation import ListProof, SideList, SideRead

OVERDUE: Params = (("payment_overdue", "true"),)
LOST: Params = (("payment_dispute_lost", "true"),)


@dataclass(slots=True, kw_only=True)
class Beside:
    """What was read beside the lists, as far as it was; invoices by their ids, coupons by customer, oldest first."""

    overdue: Mapping[str, WireInvoice] = field(default_factory=dict)
    lost: Mapping[str, WireInvoice] = field(default_factory=dict)
    coupons: Mapping[str, list[WireAppliedCoupon]] = field(default_factory=dict)
    side_reads: tuple[SideRead, ...] = ()
    proofs: list[ListProof] = field(default_factory=list)

    @property
    def invoices(self) -> Collection[WireInvoice]:
        """Each once."""
        return {**self.overdue, **self.lost}.values()


def read_beside(lists: LagoLists, asking: Asking, tally: Tally) -> Beside:
    """Invoices and coupons of the organisation; what is refused or away is said, not raised."""
    beside = Beside()

    def overdue(part: Tally) -> list[str]:
        rows: dict[str, WireInvoice] = {}
        try:
            return lists.invoices(part, OVERDUE, rows)
        finally:
            beside.overdue = rows
            beside.proofs.append(_proof(SideList.OPEN_INVOICES, rows, part))

    def lost(part: Tally) -> list[str]:
        rows: dict[str, WireInvoice] = {}
        try:
            return lists.invoices(part, LOST, rows)
        finally:
            beside.lost = rows
            beside.proofs.append(_proof(SideList.LOST_DISPUTES, rows, part))

    def coupons(part: Tally) -> list[str]:
        walk = lists.coupons(part)
        try:
            with asking.crew(part, within=SideList.COUPONS) as crew:
                return walk.run(crew)
        finally:
            beside.coupons = _by_customer(walk.rows().values())
            beside.proofs.append(walk.proof())

    reads = {SideList.OPEN_INVOICES: overdue, SideList.LOST_DISPUTES: lost, SideList.COUPONS: coupons}
    beside.side_reads = read_sides(asking, tally, reads)
    return beside


def coupons_of(lists: LagoLists, external_id: str, tally: Tally) -> Mapping[str, list[WireAppliedCoupon]]:
    """Coupons at work for one customer, by its id; none where they may not be read. Raises OutageError."""
    walk = lists.coupons(tally, (("external_customer_id", external_id),))
    try:
        problems = walk.run(OneByOne())
    except (CredentialError, SourceRefusedError):
        return {}
    if problems:
        raise OutageError("; ".join(problems))
    return _by_customer(walk.rows().values())


def unpaid_of(
    client: LagoClient, lists: LagoLists, customer_id: str, external_id: str, tally: Tally
) -> list[WireInvoice] | None:
    """Overdue and disputed invoices of one customer, each read by itself; None where they may not be read."""
    found: dict[str, WireInvoice] = {}
    try:
        for params in (OVERDUE, LOST):
            problems = lists.invoices(tally, (("external_customer_id", external_id), *params), found)
            if problems:
                raise OutageError("; ".join(problems))
        own = [row for row in found.values() if row.customer is not None and row.customer.lago_id == customer_id]
        return [client.one(f"/invoices/{row.lago_id}", One[WireInvoice], tally).row for row in own]
    except (CredentialError, SourceRefusedError):
        return None


def _by_customer(rows: Iterable[WireAppliedCoupon]) -> Mapping[str, list[WireAppliedCoupon]]:
    by_customer: dict[str, list[WireAppliedCoupon]] = defaultdict(list)
    for row in sorted(rows, key=_made):
        by_customer[row.lago_customer_id].append(row)
    return by_customer


def _made(row: WireAppliedCoupon) -> tuple[datetime, str]:
    return row.created_at, row.lago_id


def _proof(name: SideList, rows: Mapping[str, WireInvoice], part: Tally) -> ListProof:
    ids = list(rows)
    return ListProof(
        name=name.value, rows=len(ids), pages=part.pages, first_id=ids[0] if ids else "", last_id=ids[-1] if ids else ""
    )
