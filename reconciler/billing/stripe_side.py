"""What Stripe tells beside customers and subscriptions: invoices that wait for money, and schedules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from reconciler.billing.asking import OutageError
from reconciler.billing.crew import Hands, OneByOne, do_all
from reconciler.billing.more import MOST_SINGLY
from reconciler.billing.network import Asking
from reconciler.billing.side import read_sides
from reconciler.billing.stripe_lists import StripeLists
from reconciler.billing.stripe_wire import WireInvoice, WireSchedule, WireSubscription
from reconciler.billing.tally import Tally
from reconciler.errors import CredentialError, SourceRefusedError
from reconciler.model.observation import ListProof, SideList, SideRead

_OVER = frozenset({"canceled", "incomplete_expired"})
_NOT_FOUND = 404


@dataclass(slots=True, kw_only=True)
class Beside:
    """What was read beside the lists, as far as it was; `schedules` by their ids."""

    invoices: Collection[WireInvoice] = ()
    schedules: Mapping[str, WireSchedule] = field(default_factory=dict)
    side_reads: tuple[SideRead, ...] = ()
    proofs: list[ListProof] = field(default_factory=list)
    invoices_forbidden: bool = False


def read_beside(lists: StripeLists, asking: Asking, rows: Iterable[WireSubscription], tally: Tally) -> Beside:
    """Open invoices of the account, and the schedules of `rows`; what is refused or away is said, not raised."""
    beside = Beside()

    def invoices(part: Tally) -> list[str]:
        sweep = lists.open_invoices(part)
        try:
            return sweep.run(OneByOne())
        except CredentialError:
            beside.invoices_forbidden = True
            raise
        finally:
            beside.invoices = sweep.rows().values()
            beside.proofs.append(sweep.proof())

    def schedules(part: Tally) -> list[str]:
        wanted = schedules_set(rows)
        if len(wanted) <= MOST_SINGLY:
            with asking.crew(part, within=SideList.SCHEDULES) as crew:
                beside.schedules = read_schedules(lists, wanted, crew, part)
            return []
        sweep = lists.schedules(part)
        try:
            return sweep.run(OneByOne())
        finally:
            beside.schedules = {key: row for key, row in sweep.rows().items() if key in wanted}
            beside.proofs.append(sweep.proof())

    beside.side_reads = read_sides(asking, tally, {SideList.OPEN_INVOICES: invoices, SideList.SCHEDULES: schedules})
    return beside


def schedules_set(rows: Iterable[WireSubscription]) -> frozenset[str]:
    """The schedules of subscriptions that have not ended."""
    return frozenset(row.schedule for row in rows if row.schedule and row.status not in _OVER)


def read_schedules(lists: StripeLists, wanted: Iterable[str], hands: Hands, tally: Tally) -> dict[str, WireSchedule]:
    """Each by itself; one that is gone meanwhile is left out."""
    jobs = [(each, partial(_schedule, lists, each, tally)) for each in sorted(wanted)]
    return {key: row for key, row in do_all(hands, jobs) if row is not None}


def _schedule(lists: StripeLists, schedule_id: str, tally: Tally) -> WireSchedule | None:
    try:
        return lists.schedule(schedule_id, tally)
    except SourceRefusedError as error:
        if error.status != _NOT_FOUND:
            raise
        return None


def unpaid_of(lists: StripeLists, customer_id: str, tally: Tally) -> Collection[WireInvoice] | None:
    """Open invoices of one customer; None where the key may not read invoices. Raises OutageError where not whole."""
    sweep = lists.open_invoices(tally, customer=customer_id)
    try:
        problems = sweep.run(OneByOne())
    except CredentialError:
        return None
    if problems:
        raise OutageError("; ".join(problems))
    return sweep.rows().values()
