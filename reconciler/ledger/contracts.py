"""Makes acts of tiers that were agreed outside billing, singly or from a CSV file, and refuses what cannot be meant."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches

from reconciler.errors import UsageError
from reconciler.ledger.acts import contract_act, contract_end_act
from reconciler.ledger.saying import named
from reconciler.model.acts import Act, Contract
from reconciler.model.money import Interval, Period

COLUMNS = ("org_id", "tier", "amount_minor", "currency", "start", "end", "period", "approver", "reference")
_MAY_BE_LEFT_OUT = {"end", "period"}
_NOT_DONE = "Nothing was recorded"
_CURRENCY = re.compile(r"[a-z]{3}")
_MAX_AMOUNT = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a contract may name: organisations of the store, tiers of the catalog; and the contracts there are."""

    orgs: Collection[str]
    tiers: Collection[str]
    contracts: Sequence[Contract]


def contract_of_words(said: Mapping[str, str], known: Known, new_id: str) -> Contract:
    """A contract of the words for `COLUMNS`. Raises UsageError with every problem that they have."""
    problems = list(_problems(said, known))
    if problems:
        raise _refusal("; ".join(problems))
    contract = Contract(
        id=new_id,
        org_id=said["org_id"],
        tier=said["tier"],
        amount_minor=int(said["amount_minor"]),
        currency=said["currency"],
        start=date.fromisoformat(said["start"]),
        end=date.fromisoformat(said["end"]) if said.get("end") else None,
        period=Period(interval=Interval(said.get("period") or Interval.MONTH)),
        approver=said["approver"],
        reference=said["reference"],
    )
    if contract.end is not None and contract.end < contract.start:
        raise _refusal(f"it ends on {contract.end}, before it starts on {contract.start}")
    beside = next(
        (each for each in known.contracts if each.org_id == contract.org_id and _overlap(each, contract)), None
    )
    if beside is not None:
        until = f"to {beside.end}" if beside.end else "without an end"
        raise _refusal(f"{contract.org_id} has the contract {beside.id} from {beside.start} {until}: they overlap")
    return contract


def add(said: Mapping[str, str], known: Known, new_id: str, *, by: str, reason: str, now: datetime) -> Act:
    """The act that adds one contract. Raises UsageError."""
    name, why = named(by, reason)
    contract = contract_of_words({key: value.strip() for key, value in said.items()}, known, new_id)
    return contract_act(contract, by=name, reason=why, at=now)


def import_csv(
    text: str, known: Known, new_ids: Iterator[str], *, by: str, reason: str, now: datetime
) -> tuple[tuple[Act, ...], tuple[str, ...]]:
    """The acts of a CSV file with the header `COLUMNS`, and a refusal for each row that names it.

    Where there is any refusal nothing of the file is to be kept. Rows may overlap each other no more than contracts
    there are. Raises UsageError for a file that has no such header, or no rows.
    """
    name, why = named(by, reason)
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    _check_header(rows.fieldnames or ())
    acts: list[Act] = []
    refused: list[str] = []
    contracts = list(known.contracts)
    for row in rows:
        where = f"line {rows.line_num}"
        if None in row or None in row.values():
            refused.append(f"{where}: it has not as many fields as the header")
            continue
        said = {key: value.strip() for key, value in row.items()}
        if not any(said.values()):
            continue
        try:
            one = Known(orgs=known.orgs, tiers=known.tiers, contracts=contracts)
            contract = contract_of_words(said, one, next(new_ids))
        except UsageError as error:
            refused.append(f"{where}: {error.problem}")
            continue
        contracts.append(contract)
        acts.append(contract_act(contract, by=name, reason=why, at=now))
    if not acts and not refused:
        raise UsageError("The file holds no contract", not_done=_NOT_DONE, remedy="Write one row for each")
    return tuple(acts), tuple(refused)


def end(contract_id: str, on: date, contracts: Iterable[Contract], *, by: str, reason: str, now: datetime) -> Act:
    """The act that ends a contract with the day `on`, included. Raises UsageError."""
    name, why = named(by, reason)
    known = {each.id: each for each in contracts}
    contract = known.get(contract_id)
    if contract is None:
        near = get_close_matches(contract_id, known, n=1)
        raise _refusal(f"there is no contract {contract_id!r}" + (f"; the nearest is {near[0]}" if near else ""))
    if on < contract.start:
        raise _refusal(f"{contract_id} starts on {contract.start}, after {on}")
    if contract.end is not None and on > contract.end:
        raise _refusal(f"{contract_id} ends on {contract.end} already; a longer one is a contract of its own")
    return contract_end_act(contract_id, on, by=name, reason=why, at=now)


def _problems(said: Mapping[str, str], known: Known) -> Iterator[str]:
    for name in COLUMNS:
        if not said.get(name) and name not in _MAY_BE_LEFT_OUT:
            yield f"{name} is missing"
    if said.get("org_id") and said["org_id"] not in known.orgs:
        yield f"there is no organisation {said['org_id']!r} in the store{_near(said['org_id'], known.orgs)}"
    if said.get("tier") and said["tier"] not in known.tiers:
        yield f"there is no tier {said['tier']!r} in the catalog{_near(said['tier'], known.tiers)}"
    amount = said.get("amount_minor", "")
    if amount and not (amount.isascii() and amount.isdigit() and int(amount) <= _MAX_AMOUNT):
        yield f"amount_minor is {amount!r}, and must be whole minor units, 9900 for 99.00"
    if said.get("currency") and not _CURRENCY.fullmatch(said["currency"]):
        yield f"currency is {said['currency']!r}, and must be a lower-case ISO code like usd"
    for name in ("start", "end"):
        if said.get(name) and not _is_day(said[name]):
            yield f"{name} is {said[name]!r}, and must be a day like 2026-01-31"
    if said.get("period") and said["period"] not in set(Interval):
        yield f"period is {said['period']!r}, and must be one of {', '.join(Interval)}"


def _check_header(names: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in names and name not in _MAY_BE_LEFT_OUT]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown:
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has {', '.join(map(repr, unknown))}, which is none of ours"] if unknown else []
        raise UsageError(
            f"The header of the file {' and '.join(said)}",
            not_done=_NOT_DONE,
            remedy=f"Begin it with {','.join(COLUMNS)}",
        )


def _overlap(one: Contract, other: Contract) -> bool:
    return (one.end is None or other.start <= one.end) and (other.end is None or one.start <= other.end)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _near(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; the nearest is {near[0]}" if near else ""


def _refusal(problem: str) -> UsageError:
    return UsageError(problem, not_done=_NOT_DONE, remedy="Correct it and say it again")
