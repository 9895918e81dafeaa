"""Doubts a complete read that looks like a lost account, a wrong one or the other mode: absence is not evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.history import History
from reconciler.model.observation import Snapshot
from reconciler.model.terms import Limits, Terms

_FEW = 3  # so few rows are no lost account, whatever share of a small one they are


def doubted(snapshot: Snapshot, history: History, terms: Terms, limits: Limits) -> Snapshot:
    """The snapshot, incomplete where an account that is not the right one would read the same."""
    doubts = tuple(_doubts(snapshot, history, terms, limits))
    if not snapshot.complete or not doubts:
        return snapshot
    return replace(snapshot, complete=False, problem="; ".join(doubts))


def _doubts(snapshot: Snapshot, history: History, terms: Terms, limits: Limits) -> Iterator[str]:
    source = snapshot.source
    modes = [each.livemode for each in snapshot.customers] + [each.livemode for each in snapshot.subscriptions]
    strange = sum(mode is not None and mode != terms.livemode for mode in modes)
    if strange:
        yield f"{source} gave {strange} objects of the other mode: check [billing] livemode and the key"
    if not modes:
        yield f"{source} holds no customer and no subscription: check that its key is of the right account"
        return
    before, now = history.source_rows.get(source), snapshot.proof.rows
    if before is not None and before - now > _FEW and before - now > limits.max_population_drop_ratio * before:
        yield (
            f"{source} holds {now} customers and subscriptions, {before - now} fewer than at the last complete run: "
            "check that its key is of the right account; if they are gone, raising [limits] "
            "max_population_drop_ratio for one run accepts it"
        )
