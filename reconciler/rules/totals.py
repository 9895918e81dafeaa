"""Counts every organisation once and adds up the money per currency, with the tie-out as the check."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reconciler.model.drift import Decided, Decision, Drift
from reconciler.model.run import CurrencyTotals, Totals
from reconciler.rules.books import Books
from reconciler.rules.compare import Judgement

_WAIVED = "waived"
_FIRST_THAT_APPLIES = (
    (Decided.HOLD, "held"),
    (Decided.FIX, "drift"),
    (Decided.FLAG, "drift"),
    (Decided.WAIT, "waiting"),
    (_WAIVED, "waived"),
)


def add_up(judgement: Judgement, decisions: Sequence[Decision]) -> Totals:
    """Totals over everything that was judged."""
    by_org: dict[str | None, set[str]] = defaultdict(set)
    for decision in decisions:
        by_org[decision.drift.org_id].add(_WAIVED if decision.waived_until else decision.decided)
    places = Counter(
        "excluded" if verdict.excluded else _place(by_org.get(verdict.org.id, set())) for verdict in judgement.verdicts
    )
    return Totals(
        orgs=len(judgement.verdicts) + len(judgement.unreadable),
        in_sync=places["in_sync"],
        waiting=places["waiting"],
        drift=places["drift"],
        held=places["held"] + len(judgement.unreadable),
        waived=places["waived"],
        excluded=places["excluded"],
        unclaimed=len(judgement.unclaimed),
        by_code=dict(sorted(Counter(decision.drift.code.value for decision in decisions).items())),
        money=_money(judgement),
        other_products={source.value: number for source, number in sorted(judgement.other_by_source.items())},
        charged_twice=tuple(each.charged_twice for each in judgement.verdicts if each.charged_twice),
    )


def _place(decided: set[str]) -> str:
    return next((place for each, place in _FIRST_THAT_APPLIES if each in decided), "in_sync")


def _money(judgement: Judgement) -> Mapping[str, CurrencyTotals]:
    """What was billed and had comes from the books, what leaks or is owed from the drifts: the residual checks both."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    rows: list[tuple[Books | None, Sequence[Drift]]] = [(each.books, each.drifts) for each in judgement.verdicts]
    rows.extend((each.books, (each.drift,)) for each in judgement.unclaimed)
    for books, drifts in rows:
        if books is not None and books.priced:
            sums[books.currency].update(billed=books.billed or 0, variance=books.variance or 0, had=books.had or 0)
        elif books is not None:
            sums[books.currency]["unpriced"] += 1
        for drift in drifts:
            if drift.money is None:
                continue
            currency = sums[drift.money.currency]
            currency.update(at_risk=drift.money.at_risk or 0, overdue=drift.money.overdue or 0)
            if books is not None and books.priced:
                currency.update(
                    leak=drift.money.leak or 0, owed=drift.money.owed or 0, overbilled=drift.money.overbilled or 0
                )
    return {currency: _tied_out(sums[currency]) for currency in sorted(sums)}


def _tied_out(columns: Counter[str]) -> CurrencyTotals:
    total = CurrencyTotals(**columns)
    residual = total.billed - total.overbilled + total.variance + total.leak - total.owed - total.had
    return CurrencyTotals(**columns, residual=residual)


def remains(decisions: Iterable[Decision], fixed: frozenset[str]) -> bool:
    """Whether drift is left after the drifts with the ids `fixed` were mended; waits and hidden rows are none."""
    return any(
        decision.decided in {Decided.FIX, Decided.FLAG, Decided.HOLD} and decision.drift.id not in fixed
        for decision in decisions
    )
