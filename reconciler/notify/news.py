"""Decides what people are told after a run: what the record says against what they were told before; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from reconciler.model.drift import Decided, Decision, DriftMoney, Severity
from reconciler.model.private import without_email
from reconciler.model.run import OutcomeResult, RunMode, RunRecord

_MOST_SINGLE = 10
_RUNS_SEEN = 2
_WORSE_BY = 4  # told again when it costs a quarter more, not for every day that it goes on
_LONGEST = 400
_GRAVEST_FIRST = tuple(Severity)
_TOLD = frozenset({Decided.FLAG, Decided.HOLD, Decided.FIX})


class Kind(StrEnum):
    """What a message is about."""

    NEW = "new"
    WORSENED = "worsened"
    RESOLVED = "resolved"
    DIGEST = "digest"
    OUTAGE = "outage"
    BREAKER = "breaker"
    STUCK = "stuck"
    EXPIRING = "expiring"
    TROUBLE = "trouble"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Something that a person agreed to and that ends soon; `key` is the same for the same end only."""

    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOver:
    """The month before a run's, that it had a complete run, and its report as xlsx, made when it is asked for."""

    month: str
    text: str
    xlsx: Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a message; `content` is made when the message is sent, and may raise."""

    name: str
    content: Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, and what is known to have been told once it is sent: `sets` by key, `clears` these keys."""

    kind: Kind
    title: str
    body: str
    attachment: Attachment | None = None
    sets: Mapping[str, str] = field(default_factory=dict)
    clears: frozenset[str] = frozenset()

    def told(self, before: Mapping[str, str]) -> dict[str, str]:
        """What is told once this message is sent too."""
        return {key: value for key, value in before.items() if key not in self.clears} | dict(self.sets)


def news(
    run: RunRecord,
    told: Mapping[str, str],
    *,
    after: timedelta,
    endings: Sequence[Ending] = (),
    month: MonthOver | None = None,
) -> tuple[Message, ...]:
    """The messages about `run`, in the order of sending, where `told` is what messages said before.

    A dry run and a partial one are nobody's news. Drifts are told from complete runs only: what an incomplete one did
    not see is not gone. A drift is told once seen in two runs and for `after`; more than ten of them become one digest.
    """
    if run.mode is RunMode.DRY_RUN or run.partial:
        return ()
    drifts = tuple(_drifts(run, told, after)) if run.complete else ()
    if len(drifts) > _MOST_SINGLE:
        drifts = (_digest(drifts),)
    return (
        *_outage(run, told),
        *_breaker(run, told),
        *drifts,
        *_stuck(run, told),
        *_endings(endings, told),
        *(_month(month, told) if month is not None and run.complete else ()),
    )


def _outage(run: RunRecord, told: Mapping[str, str]) -> Iterator[Message]:
    away = {source.value: read.problem or "" for source, read in run.sources.items() if not read.complete}
    known = {key.removeprefix("outage:") for key in told if key.startswith("outage:")}
    at = run.finished_at.isoformat(timespec="seconds")
    if away.keys() - known:
        names = " and ".join(sorted(away))
        yield Message(
            kind=Kind.OUTAGE,
            title=f"{names} cannot be read whole",
            body=one_line(f"{'; '.join(away.values())}. Nothing is lowered meanwhile."),
            sets={f"outage:{name}": told.get(f"outage:{name}", at) for name in away},
        )
    elif known and not away:
        since = min(told[f"outage:{name}"] for name in known)
        yield Message(
            kind=Kind.OUTAGE,
            title=f"{' and '.join(sorted(known))} can be read whole again",
            body=f"From {since} to {at}.",
            clears=frozenset(f"outage:{name}" for name in known),
        )


def _breaker(run: RunRecord, told: Mapping[str, str]) -> Iterator[Message]:
    refused = sorted(f"{direction.value} by {rule}" for direction, rule in run.plan.refused_by.items())
    key = run.refusal or "; ".join(refused)
    if key and told.get("breaker") != key:
        body = f"{run.refusal or f'A limit refuses to {key}.'} Look, then: reconcile breaker status"
        yield Message(kind=Kind.BREAKER, title="A limit refuses", body=one_line(body), sets={"breaker": key})
    elif not key and run.complete and "breaker" in told:
        yield Message(
            kind=Kind.BREAKER, title="No limit refuses any more", body=told["breaker"], clears=frozenset({"breaker"})
        )


def _drifts(run: RunRecord, told: Mapping[str, str], after: timedelta) -> Iterator[Message]:
    mended = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
    left = {each.drift.id: each for each in run.decisions if each.decided in _TOLD and each.drift.id not in mended}
    for decision in sorted(left.values(), key=lambda each: (_GRAVEST_FIRST.index(each.severity), each.drift.id)):
        key = f"drift:{decision.drift.id}"
        old = run.finished_at - decision.first_seen >= after and decision.runs_seen >= _RUNS_SEEN
        if key not in told:
            if old:
                yield _about(Kind.NEW, decision)
        elif _worse(decision, told[key]):
            yield _about(Kind.WORSENED, decision)
    waiting = {each.drift.id for each in run.decisions if each.decided is Decided.WAIT}
    for key in sorted(told):
        drift_id = key.removeprefix("drift:")
        if key != drift_id and drift_id not in left and drift_id not in waiting:
            how = "mended by a fix" if drift_id in mended else "no longer there"
            _, _, title = told[key].split(" ", 2)
            yield Message(kind=Kind.RESOLVED, title=f"Resolved: {title}", body=how, clears=frozenset({key}))


def _about(kind: Kind, decision: Decision) -> Message:
    drift = decision.drift
    title = one_line(f"{drift.code.value} {drift.org_name} {drift.org_id or ''}".strip())
    return Message(
        kind=kind,
        title=f"{'Worse' if kind is Kind.WORSENED else 'New'}, {decision.severity.value}: {title}",
        body=one_line(f"{drift.text} {drift.remedy}"),
        sets={f"drift:{drift.id}": f"{decision.severity.value} {_cost(drift.money)} {title}"},
    )


def _worse(decision: Decision, told: str) -> bool:
    severity, cost, _ = told.split(" ", 2)
    graver = _GRAVEST_FIRST.index(decision.severity) < _GRAVEST_FIRST.index(Severity(severity))
    now, before = _cost(decision.drift.money), int(cost)
    return graver or now > before + before // _WORSE_BY


def _cost(money: DriftMoney | None) -> int:
    """What goes wrong, in minor units of its one currency; what is not priced counts as nothing."""
    if money is None:
        return 0
    return sum(abs(part or 0) for part in (money.leak, money.owed, money.overbilled, money.at_risk, money.overdue))


def _digest(messages: Sequence[Message]) -> Message:
    counts = Counter(message.kind.value for message in messages)
    lines = [message.title for message in messages[:_MOST_SINGLE]]
    return Message(
        kind=Kind.DIGEST,
        title=", ".join(f"{count} {kind}" for kind, count in counts.items()),
        body="\n".join([*lines, f"and {len(messages) - len(lines)} more; see the report"]),
        sets={key: value for message in messages for key, value in message.sets.items()},
        clears=frozenset(key for message in messages for key in message.clears),
    )


def _stuck(run: RunRecord, told: Mapping[str, str]) -> Iterator[Message]:
    stuck = {each.drift.id: each for each in run.decisions if each.blocked_by == "backoff"}
    for drift_id, decision in sorted(stuck.items()):
        if f"stuck:{drift_id}" not in told:
            title = one_line(f"A fix is stuck: {decision.drift.code.value} {decision.drift.org_id or ''}")
            body = one_line(decision.reason)
            yield Message(kind=Kind.STUCK, title=title, body=body, sets={f"stuck:{drift_id}": title})
    failed = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FAILED}
    for key in sorted(told):
        drift_id = key.removeprefix("stuck:")
        if run.complete and key != drift_id and drift_id not in stuck.keys() | failed:
            title = told[key].replace("A fix is", "No longer", 1)
            yield Message(kind=Kind.STUCK, title=title, body="", clears=frozenset({key}))


def _endings(endings: Sequence[Ending], told: Mapping[str, str]) -> Iterator[Message]:
    new = [ending for ending in endings if f"ending:{ending.key}" not in told]
    if new:
        yield Message(
            kind=Kind.EXPIRING,
            title="1 agreement ends soon" if len(new) == 1 else f"{len(new)} agreements end soon",
            body="\n".join(one_line(ending.text) for ending in new),
            sets={f"ending:{ending.key}": "" for ending in new},
        )


def _month(over: MonthOver, told: Mapping[str, str]) -> Iterator[Message]:
    key = f"month:{over.month}"
    if key not in told:
        yield Message(
            kind=Kind.MONTH,
            title=f"The month {over.month} is over",
            body=one_line(over.text),
            attachment=Attachment(name=f"reconciler-{over.month}.xlsx", content=over.xlsx),
            sets={key: ""},
            clears=frozenset(before for before in told if before.startswith("month:")),
        )


def one_line(text: str) -> str:
    """One line, not longer than a message may be, without e-mail addresses: customers make some of these words."""
    line = " ".join("".join(each if each.isprintable() else " " for each in without_email(text)).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
