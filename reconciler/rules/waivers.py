"""What people said that no longer holds or is no longer needed, told so that they clean up: waivers and contracts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from reconciler.model.acts import Contract, Waiver
from reconciler.model.history import History
from reconciler.model.moments import utc

_TOLD = 10
_ENDED_FOR = timedelta(days=30)


def over_or_unused(history: History, *, seen: Iterable[str], whole: bool, now: datetime) -> Iterator[str]:
    """In words: expired waivers, those whose drift is not there, and contracts that ended in the last 30 days.

    `seen` are the ids of all drifts of the run. Only a `whole` run, one that read everything and looked at everything,
    can say that a drift is not there. Of each kind the first ten are told, then how many more.
    """
    drifts = frozenset(seen)
    waivers = [history.waivers[drift_id] for drift_id in sorted(history.waivers)]
    expired = [each for each in waivers if each.until <= now]
    unused = [each for each in waivers if each.until > now and each.drift_id not in drifts] if whole else []
    ended = sorted(
        (each for each in history.contracts if _ended(each, now)), key=lambda each: (each.end or date.min, each.id)
    )
    yield from _first([_expired(each) for each in expired], "waivers are over")
    yield from _first([_unused(each) for each in unused], "waivers are not needed: there are no such drifts")
    yield from _first([_told(each) for each in ended], "contracts ended in the last 30 days")


def _first(told: Sequence[str], more: str) -> Iterator[str]:
    yield from told[:_TOLD]
    if len(told) > _TOLD:
        yield f"And {len(told) - _TOLD} more {more} (reconcile drifts and reconcile contract list name all)"


def _expired(waiver: Waiver) -> str:
    return f"The waiver of {waiver.drift_id} by {waiver.by} is over since {utc(waiver.until)}: {waiver.reason}"


def _unused(waiver: Waiver) -> str:
    until = utc(waiver.until)
    return f"The waiver of {waiver.drift_id} by {waiver.by} until {until} is not needed: there is no such drift"


def _ended(contract: Contract, now: datetime) -> bool:
    """Its last day is included."""
    return contract.end is not None and now.date() - _ENDED_FOR <= contract.end < now.date()


def _told(contract: Contract) -> str:
    by = f"{contract.approver}: {contract.reference}"
    return f"The contract {contract.id} of {contract.org_id} for {contract.tier} ended {contract.end}, approved by {by}"
