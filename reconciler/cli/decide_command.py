"""`reconcile decide`: takes over what people wrote into a report, all rows or none."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bootstrap.stores import open_ledger
from reconciler.cli.telling import complain
from reconciler.cycle.plan_file import plan_bytes
from reconciler.errors import UsageError
from reconciler.ledger.acts import waiver_act
from reconciler.ledger.saying import named
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model.acts import Act, ActKind
from reconciler.model.run import RunRecord
from reconciler.one_ledger import refuse_other
from reconciler.reports.deciding import Known, Taken, take_over
from reconciler.reports.decision_file import NOT_DONE, DecisionFile, read_decisions
from reconciler.reports.report_file import refuse_place, write_report
from reconciler.reports.safe_text import shown
from reconciler.rules.sealing import seal_plan
from reconciler.settings import Settings, load_settings

_OWNER_ONLY = 0o600


def decide(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The xlsx or csv of a report, filled in.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decided.")],
    plan_out: Annotated[
        Path | None,
        typer.Option("--plan-out", metavar="PLANFILE", help="Where approved fixes go; beside FILE."),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")] = None,
) -> int:
    """Take over the columns Decision, Until and Reason of a report: waive, ack or approve; all rows or none.

    A waiver accepts a drift with the values shown up to the end of the day Until. Approved fixes are written to a plan,
    which reconcile apply writes to the store.
    """
    name, _ = named(by, not_done=NOT_DONE)
    settings = load_settings(config, os.environ)
    read = read_decisions(file)
    if not read.rows:
        typer.echo(f"Nothing is decided in {file}.")
        return 0
    plan_at = plan_out or file.with_name(f"{file.stem}-approved.plan.json")
    at = datetime.now(UTC)
    with open_ledger(settings, os.environ) as ledger:
        refuse_other(ledger, settings.orgs.folder, not_done=NOT_DONE)
        known = _known(read, ledger, at)
        taken = take_over(read, known, by=name, at=at)
        if taken.refusals:
            for refusal in taken.refusals:
                complain(shown(refusal))
            raise UsageError(
                f"{len(taken.refusals)} of {len(read.rows)} decisions cannot stand",
                not_done=NOT_DONE,
                remedy="Mend the rows named above and give the file again",
            )
        _keep(taken, ledger, settings, known.last, file=file, plan_at=plan_at, by=name, at=at)
    typer.echo(
        f"Taken over: {len(taken.waivers)} waived, {len(taken.acknowledged)} acknowledged, "
        f"{len(taken.approved)} approved."
    )
    if taken.approved:
        typer.echo(f"To write what is approved: reconcile apply {plan_at} --by NAME")
    return 0


def _known(read: DecisionFile, ledger: SqlLedger, at: datetime) -> Known:
    run = ledger.run(read.run_id)
    last = next((found for each in ledger.runs(1) if (found := ledger.run(each.id))), None)
    if run is None or last is None:
        raise UsageError(
            f"The run {read.run_id[:80]!r}, of which the report is, is not in this ledger",
            not_done=NOT_DONE,
            remedy="Use the ledger that the run was recorded in",
        )
    standing = {each.id: each.decision for each in ledger.drifts(at, open_only=True)}
    return Known(run=run, standing=standing, last=last)


def _keep(
    taken: Taken,
    ledger: SqlLedger,
    settings: Settings,
    last: RunRecord,
    *,
    file: Path,
    plan_at: Path,
    by: str,
    at: datetime,
) -> None:
    """The plan first: where the ledger then takes nothing, it is taken away again."""
    seal = ""
    if taken.approved:
        keys = {each.key for each in taken.approved}
        fixes = tuple(each for each in last.plan.fixes if each.fix.key in keys)
        plan = seal_plan(replace(last, plan=replace(last.plan, fixes=fixes)), store_at=settings.orgs.store)
        refuse_place(plan_at)
        write_report(plan_at, plan_bytes(plan), mode=_OWNER_ONLY)
        seal = plan.seal
    body = {
        "file_sha256": sha256(file.read_bytes()).hexdigest(),
        "waived": len(taken.waivers),
        "acknowledged": len(taken.acknowledged),
        "approved": [each.key for each in taken.approved],
        "plan_seal": seal,
    }
    said = [
        Act(kind=ActKind.DECIDE, subject=file.name, by=by, at=at, body=body),
        *(waiver_act(waiver) for waiver in taken.waivers),
        *(
            Act(kind=ActKind.ACK, subject=each.drift_id, by=by, at=at, reason=each.reason)
            for each in taken.acknowledged
        ),
    ]
    try:
        ledger.act(said)
    except BaseException:
        if taken.approved:
            plan_at.unlink(missing_ok=True)
        raise
