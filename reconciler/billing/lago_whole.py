"""Reads one Lago organisation whole: subscriptions and customers side by side, then what a run can do without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from reconciler.billing.abreast import abreast
from reconciler.billing.lago_lists import LagoLists, Subscriptions
from reconciler.billing.lago_side import Beside, read_beside
from reconciler.billing.lago_walk import Walk
from reconciler.billing.lago_wire import WireCustomer
from reconciler.billing.network import Asking
from reconciler.billing.tally import Tally
from reconciler.model.observation import ListProof

_SUBSCRIPTIONS, _CUSTOMERS = "subscriptions", "customers"


@dataclass(slots=True, kw_only=True)
class Whole:
    """What was read, as far as it came; `beside` is empty where `problems` say what is not proven of the rest."""

    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    customers: Mapping[str, WireCustomer] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    proofs: tuple[ListProof, ...] = ()
    problems: list[str] = field(default_factory=list)


def read_whole(lists: LagoLists, asking: Asking, tally: Tally) -> Whole:
    """Everything that a run asks of the organisation in bulk. Raises SetupError where the key may not read it.

    Whoever has a live subscription is among the customers, unless deleted: where one is not, the customer may be
    younger than the list that was read side by side with the subscriptions, which is then read again.
    """
    whole = Whole()
    own, theirs = tally.apart(), tally.apart()
    customers = lists.customers(theirs)

    def all_subscriptions() -> list[str]:
        with asking.crew(own, within=_SUBSCRIPTIONS) as crew:
            return lists.read_subscriptions(own, crew, whole.subscriptions)

    def all_customers() -> list[str]:
        with asking.crew(theirs, within=_CUSTOMERS) as crew:
            return customers.run(crew)

    try:
        done = abreast(asking, tally, {_SUBSCRIPTIONS: all_subscriptions, _CUSTOMERS: all_customers})
    finally:
        tally.add(own)
        tally.add(theirs)
    whole.problems = [each for problems in done.values() for each in problems]
    if _SUBSCRIPTIONS not in done:
        whole.subscriptions = Subscriptions()  # one that nothing fills any more
    if not whole.problems and not _owners(lists, whole.subscriptions) <= customers.rows().keys():
        customers = lists.customers(tally)
        whole.problems = abreast(asking, tally, {_CUSTOMERS: partial(_again, customers, asking, tally)})[_CUSTOMERS]
    if not whole.problems:
        whole.beside = read_beside(lists, asking, tally)
    walked = [customers] if _CUSTOMERS in done else []
    whole.customers = {key: row for walk in walked for key, row in walk.rows().items()}
    whole.proofs = (*whole.subscriptions.proofs, *(walk.proof() for walk in walked), *whole.beside.proofs)
    return whole


def _owners(lists: LagoLists, subscriptions: Subscriptions) -> set[str]:
    return {row.lago_customer_id for row in subscriptions.rows.values() if row.status in lists.live}


def _again(customers: Walk[WireCustomer], asking: Asking, tally: Tally) -> list[str]:
    with asking.crew(tally.apart(), within=_CUSTOMERS) as crew:
        return customers.run(crew)
