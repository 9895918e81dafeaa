"""Links an organisation to its billing customers by a person's word, through the store's own update method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.errors import (
    SourceRefusedError,
    SourceUnavailableError,
    StaleOrganizationError,
    StoreWriteError,
    UsageError,
)
from reconciler.model.acts import Act, ActKind
from reconciler.model.billing import Customer, Source
from reconciler.ports import BillingSource, OrganizationRecord, OrgManager

_NOT_DONE = "Nothing was linked"
_FIELDS = {Source.LAGO: "lago_customer_id", Source.STRIPE: "stripe_customer_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What was written, field by field as before and after, and what could not be verified, in words."""

    before: Mapping[str, str | None]
    after: Mapping[str, str]
    notes: tuple[str, ...]


def link(
    org_id: str,
    ids: Mapping[Source, str],
    *,
    store: OrgManager,
    sources: Mapping[Source, BillingSource],
    said: Act,
    keep: Callable[[Act], None],
) -> Linked:
    """Set the ids of one organisation, each after its customer was asked for where its source can be read.

    `said` is the act of the person, kept with what is written before anything is. Raises UsageError for an
    organisation that is not there, an id that another one claims or that leads nowhere, and whatever the store, the
    ledger and a source raise; then nothing was linked.
    """
    held = store.snapshot()
    org = held.organizations.get(org_id)
    if org is None:
        raise _refusal(f"There is no organisation {org_id} in the store", "reconcile orgs list names those there are")
    notes: list[str] = []
    for source, new in ids.items():
        _refuse_claimed(org_id, source, new, held.organizations)
        notes += _verify(org_id, source, new, sources.get(source), held.organizations)
    before = {_FIELDS[source]: _id_of(org, source) for source in ids}
    after = {_FIELDS[source]: new for source, new in ids.items()}
    if before == after:
        raise _refusal(f"{org_id} is linked like that already", "Nothing is left to do")
    keep(replace(said, kind=ActKind.LINK, subject=org_id, body={"before": before, "after": after}))
    try:
        written = store.update_org_billing_ids(
            org_id, lago_id=ids.get(Source.LAGO), stripe_id=ids.get(Source.STRIPE), expected=before
        )
    except StaleOrganizationError:
        keep(replace(said, kind=ActKind.NOTE, subject=org_id, reason="The link was not made: the record had changed"))
        raise
    now = store.get_org(org_id)
    if not written or now is None or any(_id_of(now, source) != new for source, new in ids.items()):
        keep(replace(said, kind=ActKind.NOTE, subject=org_id, reason="The link did not stick: reading back differs"))
        raise StoreWriteError(
            f"Reading {org_id} back shows something else than was written",
            not_done="The link is not there",
            remedy="Look at it with reconcile orgs show, and link it again",
        )
    return Linked(before=before, after=after, notes=tuple(notes))


def _refuse_claimed(org_id: str, source: Source, new: str, orgs: Mapping[str, OrganizationRecord]) -> None:
    for other in orgs.values():
        if other.id != org_id and (_id_of(other, source) == new or other.id == new):
            how = "is its own id" if other.id == new else f"stands in its {_FIELDS[source]}"
            raise _refusal(
                f"{other.id} claims the {source} id {new}: it {how}",
                "One customer belongs to one organisation: correct the other one first",
            )


def _verify(
    org_id: str, source: Source, new: str, billing: BillingSource | None, orgs: Mapping[str, OrganizationRecord]
) -> Iterator[str]:
    """Raises UsageError where the source says that there is no such customer, or that it is another's."""
    if billing is None:
        yield f"{source} is not configured: whether it has the customer {new} was not verified"
        return
    try:
        found = _ask(source, new, billing)
    except SourceUnavailableError as error:
        yield f"{source} was not reached ({error.problem}): whether it has the customer {new} was not verified"
        return
    except SourceRefusedError:
        found = None
    if found is None or found.deleted:
        gone = "is deleted there" if found is not None else "is not there"
        form = " by that external id, the only one that can be looked up" if source is Source.LAGO else ""
        raise _refusal(f"The {source} customer {new} {gone}{form}", "Copy the id from the dashboard")
    if found.org_key and found.org_key != org_id and found.org_key in orgs:
        raise _refusal(
            f"The {source} customer {new} names {found.org_key} as its organisation",
            "Correct that at the source first, or link that organisation",
        )


def _ask(source: Source, new: str, billing: BillingSource) -> Customer | None:
    if source is Source.LAGO:
        return billing.find_customer(new)
    return billing.read_customer(Customer(source=source, id=new)).customer


def _id_of(org: OrganizationRecord, source: Source) -> str | None:
    return org.lago_customer_id if source is Source.LAGO else org.stripe_customer_id


def _refusal(problem: str, remedy: str) -> UsageError:
    return UsageError(problem, not_done=_NOT_DONE, remedy=remedy)
