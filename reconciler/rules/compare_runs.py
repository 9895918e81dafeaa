"""Where two judgements of what should be the same facts differ, drift by drift."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.drift import Decided, Decision
from reconciler.model.run import RunRecord


def differences(recorded: RunRecord, again: RunRecord) -> tuple[str, ...]:
    """One line for each drift that only one of them has, or that they decided otherwise; `ok` rows are not compared.

    Of a run that looked at a part only, that part is compared.
    """
    before = {each.drift.id: each for each in recorded.decisions}
    now = {each.drift.id: each for each in again.decisions if each.decided is not Decided.OK}
    if recorded.partial:
        now = {drift_id: each for drift_id, each in now.items() if drift_id in before}
    return tuple(_differences(before, now))


def _differences(before: dict[str, Decision], now: dict[str, Decision]) -> Iterator[str]:
    for drift_id in sorted(before.keys() | now.keys()):
        then, since = before.get(drift_id), now.get(drift_id)
        if then is None or since is None:
            found = then or since
            if found is not None:
                yield f"{drift_id}: {_said(found)}, only {'then' if since is None else 'now'}"
        elif _said(then) != _said(since):
            yield f"{drift_id}: then {_said(then)}, now {_said(since)}"


def _said(decision: Decision) -> str:
    fix = decision.drift.fix
    by = f" by {decision.blocked_by}" if decision.blocked_by else ""
    to = " ".join(f"{name}={value}" for name, value in sorted(fix.arguments.items())) if fix is not None else ""
    return f"{decision.decided}{by}{f' ({to})' if to else ''}"
