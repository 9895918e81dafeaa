"""A ledger in memory that tells history by going through every run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from fakes_seen import counts, orgs_seen, seen_subscriptions
from reconciler.errors import LedgerError, PlanUsedError
from reconciler.ledger.acts import contract_of, waiver_of
from reconciler.model.acts import Act, ActKind, Acts, Contract, PlanUse, Release, Waiver
from reconciler.model.billing import Source
from reconciler.model.drift import Call, Decided, Direction, Fix
from reconciler.model.history import DoneFix, Failures, History, Latch, Sighting, UnfinishedRun
from reconciler.model.run import LedgerHead, OutcomeResult, RunMode, RunRecord, Shows

DAY = timedelta(hours=24)


class FakeLedger:
    """`recorded` is every run in the order of recording; with `broken` every call raises LedgerError.

    `waivers` and `contracts` are what people said; `released` are their releases, each with how many runs were
    recorded before it.
    """

    def __init__(self, *recorded: RunRecord) -> None:
        self.recorded = list(recorded)
        self.intents: list[tuple[str, Fix, datetime]] = []
        self.waivers: list[Waiver] = []
        self.contracts: list[Contract] = []
        self.released: list[tuple[int, Release]] = []
        self.used: dict[str, PlanUse] = {}
        self.broken = False

    def history(self, now: datetime) -> History:
        self._fail_if_broken()
        open_drifts: dict[str, Sighting] = {}
        population: int | None = None
        source_rows: dict[Source, int] = {}
        confirmed: dict[str, tuple[str, Sighting]] = {}  # by the fix confirmed: its drift, and how long
        config = ""
        for run in self.recorded:
            if counts(run):
                population = len(run.orgs)
                source_rows = {source: read.proof.rows for source, read in run.sources.items() if read.proof}
                seen = [each.drift.id for each in run.decisions if each.decided is not Decided.OK]
                open_drifts = {drift_id: seen_again(open_drifts.get(drift_id), run) for drift_id in seen}
                before = confirmed if run.config_sha256 == config else {}
                config = run.config_sha256
                confirmed = {
                    each.confirms: (each.drift.id, seen_again(before.get(each.confirms, (None, None))[1], run))
                    for each in run.decisions
                    if each.confirms and each.decided is not Decided.OK
                }
            fixed = {each.fix.drift_id for each in run.outcomes if each.result is OutcomeResult.FIXED}
            open_drifts = {drift_id: each for drift_id, each in open_drifts.items() if drift_id not in fixed}
            looked = {each.fix.key for each in run.plan.fixes}
            stale = [each.fix for each in run.outcomes if each.result is OutcomeResult.STALE]
            over = fixed | {each.drift_id for each in stale if each.key in looked}
            confirmed = {key: each for key, each in confirmed.items() if each[0] not in over}
        written = [(each.fix, each.at) for run in self.recorded for each in run.outcomes if each.written]
        shown = [
            (fix, told.at)
            for run in self.recorded
            for told in run.explained
            for fix, shows in told.fixes
            if shows is not Shows.NOT_WRITTEN
        ]
        unfinished = tuple(self._unfinished())
        waiting = {each.run_id for each in unfinished}
        meant = [(fix, at) for run_id, fix, at in self.intents if run_id in waiting]
        done = tuple(done_fix(fix, at) for fix, at in (*written, *shown, *meant) if at > now - DAY)
        fixed_at: dict[str, tuple[datetime, ...]] = {}
        for fix, at in written:
            if at > now - timedelta(days=7):
                fixed_at[fix.key] = (*fixed_at.get(fix.key, ()), at)
        acts = self.acts(now)
        seen_orgs = orgs_seen(self.recorded)
        return History(
            open_drifts=open_drifts,
            done=done,
            population=population,
            source_rows=source_rows,
            confirmations={key: seen for key, (_, seen) in confirmed.items()},
            config_sha256=config,
            orgs={org_id: each.state for org_id, each in seen_orgs.items()},
            subscriptions=seen_subscriptions(self.recorded),
            tier_changes={org_id: each.tier_change for org_id, each in seen_orgs.items() if each.tier_change},
            own_status={org_id: each.state.status for org_id, each in seen_orgs.items() if each.own_status},
            status_set={fix.org_id: fix.arguments["status"] for fix, _ in written if fix.call is Call.STATUS},
            failures=self._failures(),
            fixed_at=fixed_at,
            waivers=acts.waivers,
            contracts=acts.contracts,
            releases=acts.releases,
            latches=self._latches(),
            unfinished=unfinished,
        )

    def acts(self, now: datetime) -> Acts:
        self._fail_if_broken()
        return Acts(
            waivers={each.drift_id: each for each in self.waivers if each.until > now - DAY},
            contracts=tuple(self.contracts),
            releases=tuple(each for _, each in self.released if each.until > now - DAY),
        )

    def act(self, said: Sequence[Act]) -> None:
        """What people said; a waiver said again stands in the place of the one before."""
        self._fail_if_broken()
        for act in said:
            match act.kind:
                case ActKind.WAIVE | ActKind.UNWAIVE:
                    self.waivers = [each for each in self.waivers if each.drift_id != act.subject]
                    if act.kind is ActKind.WAIVE:
                        self.waivers.append(waiver_of(act))
                case ActKind.CONTRACT:
                    self.contracts.append(contract_of(act))
                case ActKind.CONTRACT_END:
                    end = date.fromisoformat(act.body["end"])
                    self.contracts = [
                        replace(each, end=end) if each.id == act.subject else each for each in self.contracts
                    ]
                case _:
                    pass

    def release(self, digest: str, *, by: str, reason: str, at: datetime) -> Release:
        """A person acknowledges what was refused under `digest`."""
        self._fail_if_broken()
        refused = [run for run in self.recorded if run.refusal_digest == digest]
        if not refused:
            raise LedgerError(f"Nothing was refused under {digest}", remedy="Copy it from the report")
        keys = frozenset(
            each.fix.key for run in refused for each in run.plan.fixes if each.fix.direction in run.plan.refused_by
        )
        whole = [run for run in refused if not run.plan.refused_by]
        release = Release(
            digest=digest,
            until=at + DAY,
            by=by,
            reason=reason,
            at=at,
            fixes=keys,
            population=len(whole[-1].orgs) if whole else None,
        )
        self.released.append((len(self.recorded), release))
        return release

    def use_plan(self, seal: str, *, digest: str, by: str, at: datetime) -> None:
        self._fail_if_broken()
        del digest
        used = self.plan_use(seal)
        if used is not None:
            raise PlanUsedError(by=used.by, at=used.at)
        self.used[seal] = PlanUse(by=by, at=at)

    def plan_use(self, seal: str) -> PlanUse | None:
        self._fail_if_broken()
        return self.used.get(seal)

    def _unfinished(self) -> Iterator[UnfinishedRun]:
        over = {run.id for run in self.recorded}
        over |= {told.run_id for run in self.recorded for told in run.explained}
        meant: dict[str, tuple[datetime, list[Fix]]] = {}
        for run_id, fix, at in self.intents:
            if run_id not in over:
                meant.setdefault(run_id, (at, []))[1].append(fix)
        for run_id, (at, fixes) in meant.items():
            yield UnfinishedRun(run_id=run_id, at=at, fixes=tuple(fixes))

    def _failures(self) -> dict[str, Failures]:
        failures: dict[str, Failures] = {}
        drift_of: dict[str, str] = {}
        open_drifts: set[str] = set()

        def gone(drift_ids: set[str]) -> None:
            for key in [key for key in failures if drift_of[key] in drift_ids]:
                del failures[key]

        for run in self.recorded:
            if counts(run):
                seen = {each.drift.id for each in run.decisions if each.decided is not Decided.OK}
                gone(open_drifts - seen)
                open_drifts = seen
            for outcome in run.outcomes:
                key, drift_id = outcome.fix.key, outcome.fix.drift_id
                drift_of[key] = drift_id
                if outcome.result is OutcomeResult.FIXED:
                    failures.pop(key, None)
                    gone({drift_id} & open_drifts)
                    open_drifts.discard(drift_id)
                elif outcome.result is OutcomeResult.FAILED:
                    count = failures[key].count + 1 if key in failures else 1
                    failures[key] = Failures(count=count, last_at=outcome.at, error=outcome.error or "")
        return failures

    def _latches(self) -> dict[Direction, Latch]:
        released_before: dict[Direction, int] = {}
        for number, release in self.released:
            for run in self.recorded[:number]:
                if run.refusal_digest == release.digest:
                    released_before |= dict.fromkeys(run.plan.refused_by, number)
        latches: dict[Direction, Latch] = {}
        for number, run in enumerate(self.recorded):
            if run.mode is RunMode.DRY_RUN:
                continue
            for direction, rule in run.plan.refused_by.items():
                if number >= released_before.get(direction, 0) and direction not in latches:
                    latches[direction] = Latch(digest=run.plan.digest, rule=rule, since=run.as_of)
        return latches

    def intend(self, run_id: str, fixes: Sequence[Fix], at: datetime) -> None:
        self._fail_if_broken()
        self.intents.extend((run_id, fix, at) for fix in fixes)

    def record(self, run: RunRecord) -> LedgerHead:
        self._fail_if_broken()
        if any(earlier.id == run.id for earlier in self.recorded):
            raise LedgerError(f"The run {run.id} is recorded already", remedy="Give every run an id of its own")
        head = LedgerHead(events=len(self.recorded) + 1, sha256="0" * 64)
        self.recorded.append(replace(run, ledger=head))
        return head

    def _fail_if_broken(self) -> None:
        if self.broken:
            raise LedgerError("The ledger is broken", remedy="Mend it, or run with --no-record")


def done_fix(fix: Fix, at: datetime) -> DoneFix:
    worth = fix.worth
    return DoneFix(
        key=fix.key,
        direction=fix.direction,
        at=at,
        currency=worth.currency if worth else "",
        monthly=worth.minor if worth else None,
    )


def seen_again(earlier: Sighting | None, run: RunRecord) -> Sighting:
    if earlier is None:
        return Sighting(first_seen=run.as_of, runs_seen=1)
    return Sighting(first_seen=earlier.first_seen, runs_seen=earlier.runs_seen + 1)
