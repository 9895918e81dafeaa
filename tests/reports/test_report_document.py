from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import reconciler.reports
from reconciler.model.billing import Source, SubscriptionStatus
from reconciler.model.drift import Call, Code, Decided, Direction, DriftMoney, Severity
from reconciler.model.run import Approval, CurrencyTotals, OutcomeResult, RunMode, RunRecord, RunResult, SourceRead
from reconciler.reports.compose import book_of
from reconciler.reports.document import document
from reconciler.reports.json_report import json_report as written
from run_builders import T0, decision, drift, fix, org, outcome, plan_of, run_record, source_read

SCHEMA = json.loads((Path(reconciler.reports.__file__).parent / "report.schema.json").read_text())
HOSTILE = "A\x1b[31m\x00\u202e\ud800\u2028 日本 👩\u200d👩 \"'\\ \x7f\x9b"


def json_report(run: RunRecord) -> bytes:
    return written(run, book_of(run))


def _rich_run() -> RunRecord:
    lower, raise_, link = (
        fix("org_1"),
        fix("org_2", drift_id="tier_under:org_2", direction=Direction.RAISE),
        fix(
            "org_3",
            drift_id="link_missing:org_3",
            call=Call.BILLING_IDS,
            arguments={"lago_id": "org_3"},
            expects={"lago_customer_id": None},
            direction=Direction.LINK,
        ),
    )
    return run_record(
        decisions=[
            decision(drift("org_1", fix=lower), Decided.FIX),
            decision(drift("org_2", code=Code.TIER_UNDER, money=DriftMoney(currency="eur", owed=None), fix=raise_)),
            decision(drift("org_3", code=Code.LINK_MISSING, money=None, fix=link), Decided.FIX, severity=Severity.LOW),
            decision(drift(None, code=Code.ORPHAN_PAYER), severity=Severity.CRITICAL),
            decision(drift("org_4", code=Code.CANCELED_PAID_THROUGH), Decided.WAIT, severity=Severity.INFO),
            decision(drift("org_5", code=Code.LEFTOVER_FREE_SUBSCRIPTION), Decided.OK, severity=Severity.INFO),
            decision(drift("org_6", code=Code.RECORD_INVALID, effective_at=None), Decided.HOLD, blocked_by="held"),
            decision(drift("org_7", code=Code.SIDE_MISSING), Decided.IGNORE),
        ],
        plan=plan_of([raise_, lower, link], approval=Approval.NEEDED, refused_by={Direction.LOWER: "max_lower_count"}),
        outcomes=[outcome(raise_), outcome(link, OutcomeResult.FAILED, error="refused")],
        orgs=[org(number) for number in range(1, 9)],
        notes=["12 organisations may be charged on both sides"],
        mode=RunMode.FIX,
    )


def test_the_document_of_a_run_with_everything_in_it_is_what_the_schema_says() -> None:
    jsonschema.validate(json.loads(json_report(_rich_run())), SCHEMA)


@pytest.mark.parametrize("result", RunResult)
def test_the_document_of_a_run_that_saw_nothing_is_what_the_schema_says(result: RunResult) -> None:
    unread = SourceRead(complete=False, rows=0, problem="no answer")
    run = run_record(orgs=(), result=result, refusal="zero organisations", sources={Source.LAGO: unread}, store=unread)

    jsonschema.validate(json.loads(json_report(run)), SCHEMA)


def test_the_schema_refuses_money_that_is_no_integer() -> None:
    broken = document(_rich_run())
    broken["drifts"][1]["money"] = {"currency": "usd", "leak": 900.5}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_every_key_of_a_document_is_in_the_schema() -> None:
    def undescribed(value: Any, schema: Mapping[str, Any]) -> list[str]:
        while "$ref" in schema or "anyOf" in schema:
            schema = schema["anyOf"][0] if "anyOf" in schema else SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        if isinstance(value, list):
            return [name for each in value for name in undescribed(each, schema["items"])]
        if not isinstance(value, dict) or "properties" not in schema:
            return []
        names = [name for name in value if name not in schema["properties"]]
        known = value.keys() & schema["properties"].keys()
        return names + [name for key in known for name in undescribed(value[key], schema["properties"][key])]

    assert undescribed(json.loads(json_report(_rich_run())), SCHEMA) == []


def test_keys_stand_in_the_documented_order() -> None:
    made = document(_rich_run())

    assert list(made) == ["schema_version", "run", "sources", "totals", "drifts", "plan", "outcomes"]
    assert list(made["run"])[:5] == ["id", "mode", "result", "complete", "partial"]
    assert list(made["sources"]) == ["orgs", "lago", "stripe"]
    assert list(made["drifts"][0])[:8] == [
        "id",
        "code",
        "org_id",
        "org_name",
        "severity",
        "decision",
        "primary",
        "blocked_by",
    ]
    assert list(made["totals"]["money"]["usd"]) == [
        "leak",
        "owed",
        "overbilled",
        "variance",
        "at_risk",
        "overdue",
        "billed",
        "had",
        "residual",
        "unpriced",
    ]


def test_zero_money_is_left_out_and_unpriced_money_is_null() -> None:
    money = DriftMoney(currency="usd", leak=90000, owed=None)

    (row,) = document(run_record(decisions=[decision(drift(money=money))]))["drifts"]

    assert row["money"] == {"currency": "usd", "leak": 90000, "owed": None}


def test_a_drift_without_money_has_none() -> None:
    (row,) = document(run_record(decisions=[decision(drift(money=None))]))["drifts"]

    assert row["money"] is None


def test_what_is_meant_to_be_is_counted_and_not_listed() -> None:
    meant = decision(drift(code=Code.LINK_OTHER_FORM), Decided.OK)

    made = document(run_record(decisions=[meant]))

    assert made["drifts"] == []
    assert made["totals"]["by_code"] == {"link_other_form": 1}


def test_an_unclaimed_drift_has_no_organisation() -> None:
    (row,) = document(run_record(decisions=[decision(drift(None, code=Code.ORPHAN_PAYER))]))["drifts"]

    assert row["org_id"] is None
    assert row["has"] == {"tier": None, "status": None}
    assert row["due"] is None


def test_drifts_come_by_severity_then_code_then_organisation_whatever_order_they_were_judged_in() -> None:
    decisions = [
        decision(drift("org_2")),
        decision(drift("org_1", code=Code.SIDE_MISSING)),
        decision(drift(None)),
        decision(drift("org_1")),
        decision(drift("org_3", code=Code.TIER_UNDER), severity=Severity.CRITICAL),
    ]

    rows = document(run_record(decisions=decisions))["drifts"]

    assert [(row["code"], row["org_id"]) for row in rows] == [
        ("tier_under", "org_3"),
        ("side_missing", "org_1"),
        ("tier_over", "org_1"),
        ("tier_over", "org_2"),
        ("tier_over", None),
    ]
    assert document(run_record(decisions=decisions[::-1]))["drifts"] == rows


def test_times_are_utc_whatever_zone_they_come_in() -> None:
    berlin = timezone(timedelta(hours=2))
    moment = datetime(2026, 10, 1, 1, 30, tzinfo=berlin)

    (row,) = document(run_record(decisions=[decision(drift(effective_at=moment))]))["drifts"]

    assert row["effective_at"] == "2026-09-30T23:30:00Z"


def test_a_side_that_is_not_configured_is_left_out() -> None:
    made = document(run_record(sources={Source.STRIPE: source_read(7)}))

    assert list(made["sources"]) == ["orgs", "stripe"]
    assert made["sources"]["stripe"] == {
        "complete": True,
        "rows": 7,
        "requests": 1,
        "retries": 0,
        "read_from": "2026-10-01T12:00:00Z",
        "read_until": "2026-10-01T12:00:30Z",
        "problem": None,
        "about": "",
        "side_reads": [],
    }


def test_a_side_that_never_answered_says_so() -> None:
    unread = SourceRead(complete=False, rows=0, problem="lago.example.com does not answer")

    made = document(run_record(sources={Source.LAGO: unread}, complete=False))["sources"]["lago"]

    assert made["complete"] is False
    assert made["problem"] == "lago.example.com does not answer"
    assert made["requests"] is None
    assert made["read_from"] is None


def test_a_plan_that_nothing_refuses_says_null_for_both_directions() -> None:
    assert document(run_record())["plan"]["refused_by"] == {"raise": None, "lower": None}


def test_a_refused_direction_is_named_with_its_limit() -> None:
    refused = {Direction.LOWER: "max_lower_count", Direction.LINK: "some_limit"}

    made = document(run_record(plan=plan_of(refused_by=refused)))["plan"]["refused_by"]

    assert made == {"raise": None, "lower": "max_lower_count", "link": "some_limit"}


def test_a_fix_says_call_arguments_expectation_direction_and_approval() -> None:
    (made,) = document(run_record(plan=plan_of([fix()], approval=Approval.NEEDED)))["plan"]["fixes"]

    assert made == {
        "org_id": "org_1",
        "drift_id": "tier_over:org_1",
        "call": "update_org_plan",
        "arguments": {"plan_tier": "professional"},
        "expects": {"plan_tier": "enterprise"},
        "direction": "lower",
        "approval": "needed",
        "released": False,
    }


def test_an_outcome_says_what_became_of_the_fix() -> None:
    (made,) = document(run_record(outcomes=[outcome(result=OutcomeResult.STALE, error="changed")]))["outcomes"]

    assert made == {
        "org_id": "org_1",
        "drift_id": "tier_over:org_1",
        "result": "stale",
        "at": "2026-10-01T12:02:00Z",
        "error": "changed",
    }


def test_evidence_becomes_json_whatever_it_is_made_of() -> None:
    evidence = {
        "z": T0,
        "a": {
            "price": Decimal("9.90"),
            "status": SubscriptionStatus.ACTIVE,
            "ids": ("b", "a"),
            "keys": frozenset({"y", "x"}),
            "on": date(2026, 10, 2),
            "none": None,
        },
    }

    (row,) = document(run_record(decisions=[decision(drift(evidence=evidence))]))["drifts"]

    assert row["evidence"] == {
        "a": {
            "ids": ["b", "a"],
            "keys": ["x", "y"],
            "none": None,
            "on": "2026-10-02",
            "price": "9.90",
            "status": "active",
        },
        "z": "2026-10-01T12:00:00Z",
    }
    assert list(row["evidence"]) == ["a", "z"]
    assert type(row["evidence"]["a"]["status"]) is str


def test_evidence_without_a_json_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        document(run_record(decisions=[decision(drift(evidence={"what": object()}))]))


def test_the_same_run_gives_the_same_bytes() -> None:
    assert json_report(_rich_run()) == json_report(_rich_run())


def test_the_json_is_indented_by_two_and_ends_with_a_newline() -> None:
    made = json_report(run_record())

    assert made.startswith(b'{\n  "schema_version": 1,\n  "run": {\n    "id": "run-1",')
    assert made.endswith(b"\n}\n")


def test_a_hostile_name_comes_back_from_the_json_as_it_is() -> None:
    made = json_report(run_record(decisions=[decision(drift(org_name=HOSTILE))]))

    assert json.loads(made)["drifts"][0]["org_name"] == HOSTILE


def test_the_json_of_a_hostile_name_does_nothing_to_a_terminal() -> None:
    made = json_report(run_record(decisions=[decision(drift(org_name=HOSTILE))])).decode()

    assert not set(made) & {"\x1b", "\x00", "\u202e", "\u2028", "\x7f", "\x9b"}
    assert "日本 👩\u200d👩" in made


def test_money_in_the_totals_stands_by_currency_in_order() -> None:
    totals = run_record(decisions=()).totals
    made = document(run_record(totals=totals))["totals"]["money"]

    assert list(made) == ["eur", "usd"]
    assert made["usd"]["billed"] == CurrencyTotals(billed=9900).billed


def test_a_partial_run_says_so() -> None:
    assert document(run_record(partial=True))["run"]["partial"] is True


def test_fractions_of_a_second_are_kept() -> None:
    moment = datetime(2026, 10, 1, 12, 0, 0, 500, tzinfo=UTC)

    assert document(run_record(started_at=moment))["run"]["started_at"] == "2026-10-01T12:00:00.000500Z"


def test_each_drift_says_its_state_age_and_what_its_money_has_come_to() -> None:
    run = run_record(decisions=[decision(first_seen=T0 - timedelta(days=5))])
    (found,) = json.loads(json_report(run))["drifts"]
    assert (found["state"], found["age_days"], found["age"]) == ("open", 5, "2-7 d")
    assert found["accrued"] == 90000


def test_the_tables_stand_in_it_by_their_keys_with_money_in_minor_units() -> None:
    tables = json.loads(json_report(_rich_run()))["run"]["tables"]
    assert {"run", "reads", "organisations", "money", "by_code", "top", "fixes", "upcoming", "held"} <= tables.keys()
    assert "drifts" not in tables
    (usd,) = (row for row in tables["money"] if row["currency"] == "usd")
    assert usd["residual"] == {"currency": "usd", "minor": 0}
