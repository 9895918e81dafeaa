"""Reads one Stripe account whole: subscriptions and customers side by side, then what a run can do without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.billing.abreast import abreast
from reconciler.billing.network import Asking
from reconciler.billing.stripe_lists import StripeLists
from reconciler.billing.stripe_ranges import Sweep
from reconciler.billing.stripe_side import Beside, read_beside
from reconciler.billing.stripe_wire import WireCustomer, WireItem, WireList, WireSubscription
from reconciler.billing.tally import Tally
from reconciler.errors import SourceRefusedError, SourceUnavailableError
from reconciler.model.observation import ListProof

_SUBSCRIPTIONS, _CUSTOMERS = "subscriptions", "customers"


@dataclass(slots=True, kw_only=True)
class Whole:
    """What was read, as far as it came; `beside` is empty where `problems` say what is not proven of the rest."""

    subscriptions: Mapping[str, WireSubscription] = field(default_factory=dict)
    items: dict[str, WireList[WireItem]] = field(default_factory=dict)
    customers: Mapping[str, WireCustomer] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    proofs: tuple[ListProof, ...] = ()
    problems: list[str] = field(default_factory=list)


def read_whole(lists: StripeLists, asking: Asking, tally: Tally) -> Whole:
    """Everything that a run asks of the account in bulk. Raises SetupError where the key may not read it.

    Customers are asked for when the newest page of subscriptions is there: no subscription made later is among the
    rows, so that whoever has one of them is in the list of customers.
    """
    whole = Whole()
    own = tally.apart()
    subscriptions = lists.subscriptions(own)
    try:
        with asking.crew(tally.apart()) as crew:
            whole.problems = subscriptions.begin(crew)
        if not whole.problems:
            _go_on(whole, subscriptions, own, lists=lists, asking=asking, tally=tally)
    except (SourceUnavailableError, SourceRefusedError) as error:
        whole.problems = [error.problem]
    finally:
        tally.add(own)
    return whole


def _go_on(
    whole: Whole,
    subscriptions: Sweep[WireSubscription],
    own: Tally,
    *,
    lists: StripeLists,
    asking: Asking,
    tally: Tally,
) -> None:
    theirs = tally.apart()
    theirs.heard_before = True
    customers = lists.customers(theirs)
    items: dict[str, WireList[WireItem]] = {}

    def the_rest() -> list[str]:
        with asking.crew(own, within=_SUBSCRIPTIONS) as crew:
            problems = subscriptions.run(crew)
            return problems + lists.broken_off(subscriptions.rows().values(), items, crew, own)

    def all_customers() -> list[str]:
        with asking.crew(theirs, within=_CUSTOMERS) as crew:
            return customers.run(crew)

    try:
        done = abreast(asking, tally, {_SUBSCRIPTIONS: the_rest, _CUSTOMERS: all_customers})
    finally:
        tally.add(theirs)
    if _SUBSCRIPTIONS in done:
        whole.subscriptions, whole.items = subscriptions.rows(), items
    if _CUSTOMERS in done:
        whole.customers = customers.rows()
    whole.proofs = tuple(each.proof() for each in (subscriptions, customers) if each.what in done)
    whole.problems = [each for problems in done.values() for each in problems]
    whole.problems += [f"The ranges of Stripe's {each.name} do not adjoin" for each in whole.proofs if not each.adjoins]
    if not whole.problems:
        whole.beside = read_beside(lists, asking, whole.subscriptions.values(), tally)
        whole.proofs = (*whole.proofs, *whole.beside.proofs)
