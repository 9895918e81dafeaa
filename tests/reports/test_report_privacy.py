from __future__ import annotations

import re

import pytest

from reconciler.model.drift import Decided
from reconciler.model.run import OutcomeResult, SourceRead
from reconciler.reports.render import ReportFormat, render
from reconciler.reports.terminal import Verbosity
from reports.reading_reports import text_of
from run_builders import decision, drift, fix, outcome, plan_of, run_record

PEOPLE = [f"person{number}@mail.example.com" for number in range(12)]


@pytest.mark.parametrize("form", ReportFormat)
def test_no_report_shows_an_e_mail_address_wherever_one_stands(form: ReportFormat) -> None:
    one = fix(PEOPLE[0], drift_id=f"tier_over:{PEOPLE[0]}", expects={"plan_tier": PEOPLE[1]})
    of = drift(
        PEOPLE[0],
        id=f"tier_over:{PEOPLE[0]}",
        org_name=f"{PEOPLE[2]} & Söhne",
        text=f"{PEOPLE[3]} pays",
        remedy=f"Ask {PEOPLE[4]}",
        evidence={"stripe": {PEOPLE[5]: [PEOPLE[6].replace("@", "%40")]}},
        fix=one,
    )
    run = run_record(
        decisions=[decision(of, Decided.FIX, reason=f"because of {PEOPLE[7]}", blocked_by=PEOPLE[8])],
        plan=plan_of([one]),
        outcomes=[outcome(one, OutcomeResult.FAILED, error=f"{PEOPLE[9]} is in the way")],
        notes=[f"{PEOPLE[10]} is excluded"],
        store=SourceRead(complete=False, rows=1, problem=f"{PEOPLE[11]} is no record"),
        complete=False,
    )
    text = text_of(render(run, form, verbosity=Verbosity.VERBOSE), form)
    assert "mail.example.com" not in text
    assert not re.search(r"person\d", text)
    assert "redacted" in text
    assert form is ReportFormat.JSON or "Söhne" in text


def test_what_only_looks_like_an_address_stays() -> None:
    run = run_record(decisions=[decision(drift(org_name="Eat@Joe's"))])
    assert all("Eat@Joe's" in render(run, form).decode() for form in (ReportFormat.JSON, ReportFormat.CSV))
