from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from reconciler.model.billing import Source
from reconciler.model.drift import Call, Code, Decided, Decision, Direction, DriftMoney, Severity
from reconciler.model.run import Approval, CurrencyTotals, OutcomeResult, Plan, RunMode, RunRecord, RunResult
from reconciler.reports.terminal import Verbosity, print_report
from run_builders import T0, decision, drift, fix, outcome, plan_of, run_record, source_read, totals_of

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "[bold red]markup[/bold red]",
    "[/]",
    "two\nlines\rback",
    "abc\u202egpj.exe",
    "株式会社日本語会社" * 20,
    "👩\u200d👩\u200d👧 Family",
    "A" * 200,
    ":skull: \x07",
]
ORG = "org_9b810e76-6ec9-d286-63ca-828dd5f4b3b2"


def _printed(run: RunRecord, *, verbosity: Verbosity = Verbosity.NORMAL, width: int = 80) -> str:
    file = io.StringIO()
    print_report(run, Console(file=file, width=width), verbosity=verbosity)
    return file.getvalue()


def _flat(run: RunRecord, *, verbosity: Verbosity = Verbosity.NORMAL) -> str:
    """The report with every run of white space as one space, so that wrapping hides no sentence."""
    return " ".join(_printed(run, verbosity=verbosity).split())


def _flags(number: int, **also: str) -> list[Decision]:
    return [decision(drift(f"org_{each:02}", **also)) for each in range(number)]  # type: ignore[arg-type]  # only str fields


def _planned(fixes: Iterable[tuple[Direction, str]], **refused: str) -> Plan:
    made = [fix(org_id, drift_id=f"x:{org_id}", direction=direction) for direction, org_id in fixes]
    return plan_of(made, refused_by={Direction(name): rule for name, rule in refused.items()})


@pytest.mark.parametrize("result", RunResult)
@pytest.mark.parametrize("verbosity", Verbosity)
def test_the_first_word_is_the_result(result: RunResult, verbosity: Verbosity) -> None:
    assert _printed(run_record(result=result), verbosity=verbosity).split()[0] == result.value.upper()


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (0, "nothing is left to do"),
        (1, "nothing was judged"),
        (2, "drift remains"),
        (3, "a limit refused"),
        (4, "a source was not read whole"),
        (5, "some fixes failed"),
        (64, "does not take"),
        (75, "another run holds the lock"),
    ],
)
@pytest.mark.parametrize("verbosity", Verbosity)
def test_the_last_words_are_the_exit_code_and_what_it_means(code: int, meaning: str, verbosity: Verbosity) -> None:
    text = _flat(run_record(exit_code=code), verbosity=verbosity)

    assert re.search(rf"Exit code {code}: [^.]*{meaning}[^.]*\.$", text)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("width", [80, 120])
def test_a_hostile_name_neither_acts_on_the_terminal_nor_breaks_the_lines(name: str, width: int) -> None:
    of = drift(ORG, org_name=name, text=f"{name} has enterprise", evidence={"name": name})
    run = run_record(decisions=[decision(of, reason=name)], plan=plan_of([fix(ORG)]), notes=[name], refusal=name)
    tame = drift(ORG, org_name="Acme", text="Acme has enterprise", evidence={"name": "Acme"})
    tame_run = run_record(
        decisions=[decision(tame, reason="Acme")], plan=plan_of([fix(ORG)]), notes=["Acme"], refusal="A"
    )

    made = _printed(run, verbosity=Verbosity.VERBOSE, width=width)

    assert {each for each in made if not each.isprintable()} <= {"\n", "\u200d"}
    assert all(cell_len(line) <= width for line in made.splitlines())
    assert made.count(ORG) == _printed(tame_run, verbosity=Verbosity.VERBOSE, width=width).count(ORG)


def test_markup_in_a_name_is_shown_and_not_read() -> None:
    assert "[red]Evil[/red]" in _printed(run_record(decisions=[decision(drift(org_name="[red]Evil[/red]"))]))


def test_a_long_name_is_cut_with_an_ellipsis_and_its_id_is_not() -> None:
    made = _printed(run_record(decisions=[decision(drift(ORG, org_name="A" * 200))]))

    assert f"{ORG}  AAAA" in made
    assert "AAA...\n" in made


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    money = {name: CurrencyTotals(billed=10**12) for name in ("eur", "gbp", "jpy", "kwd", "sek", "usd")}
    run = run_record(
        decisions=_flags(3),
        plan=plan_of([fix(ORG)], refused_by={Direction.LOWER: "max_lower_count"}),
        totals=totals_of(money=money),
    )

    assert all(cell_len(line) <= width for line in _printed(run, verbosity=Verbosity.VERBOSE, width=width).splitlines())


def test_no_escape_is_written_where_there_is_no_terminal() -> None:
    assert "\x1b" not in _printed(run_record(decisions=_flags(2)), verbosity=Verbosity.VERBOSE)


def test_a_terminal_gets_colour_unless_no_color_is_set() -> None:
    def printed(environ: dict[str, str]) -> str:
        file = io.StringIO()
        console = Console(file=file, width=80, force_terminal=True, color_system="standard", _environ=environ)
        print_report(run_record(decisions=_flags(2)), console)
        return file.getvalue()

    colours = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert colours.search(printed({}))
    assert not colours.search(printed({"NO_COLOR": "1"}))


def test_quiet_says_headline_and_counts_and_no_organisation() -> None:
    text = _flat(run_record(decisions=_flags(2)), verbosity=Verbosity.QUIET)

    assert "2 organisations: 0 in sync, 0 waiting, 2 with drift, 0 held" in text
    assert "org_0" not in text


def test_quiet_still_says_what_was_not_read_whole() -> None:
    sources = {Source.LAGO: source_read(complete=False, problem="page 2 did not answer"), Source.STRIPE: source_read()}

    text = _flat(run_record(complete=False, sources=sources), verbosity=Verbosity.QUIET)

    assert "lago not read whole: page 2 did not answer" in text


def test_a_refused_run_says_why() -> None:
    text = _flat(run_record(result=RunResult.REFUSED, refusal="The store holds no organisation"))

    assert "The store holds no organisation" in text


def test_what_was_read_says_rows_and_whether_whole_and_the_problem() -> None:
    sources = {Source.LAGO: source_read(8169), Source.STRIPE: source_read(5, complete=False, problem="429 too often")}

    text = _flat(run_record(sources=sources, complete=False))

    assert "lago 8,169 rows, whole, 1 request" in text
    assert "stripe 5 rows, NOT WHOLE" in text
    assert "429 too often" in text


def test_a_dry_run_says_what_would_be_written_and_the_money_it_moves() -> None:
    run = run_record(decisions=[decision(drift(ORG), Decided.FIX)], plan=plan_of([fix(ORG)]))

    text = _flat(run)

    assert "1 fix: 1 would be written" in text
    assert "plan_tier: enterprise -> professional, leak 900.00 USD a month" in text
    assert "update_org_plan" in text
    assert run.plan.digest in text


def test_a_fix_of_an_id_names_the_field_of_the_store() -> None:
    link = fix(
        call=Call.BILLING_IDS,
        arguments={"lago_id": "org_1"},
        expects={"lago_customer_id": None},
        direction=Direction.LINK,
    )

    assert "lago_customer_id: none -> org_1" in _flat(run_record(plan=plan_of([link])))


def test_fixes_that_need_approval_are_counted_apart_and_explained() -> None:
    text = _flat(run_record(plan=plan_of([fix()], approval=Approval.NEEDED)))

    assert "1 needs approval" in text
    assert "held back by [policy] alone" in text


def test_a_direction_that_a_limit_refuses_is_named_with_the_limit_and_what_to_do() -> None:
    plan = _planned([(Direction.RAISE, "org_1"), (Direction.LOWER, "org_2")], lower="max_lower_count")

    text = _flat(run_record(plan=plan))

    assert "LOWER REFUSED by max_lower_count" in text
    assert f"reconcile breaker ack --plan {plan.digest} --by NAME --reason WHY" in text
    assert "RAISE REFUSED" not in text
    assert "1 would be written, 1 refused by a limit" in text


def test_every_outcome_is_said_with_its_reason() -> None:
    fixes = [fix(f"org_{number}") for number in range(1, 5)]
    outcomes = [
        outcome(fixes[0]),
        outcome(fixes[1], OutcomeResult.STALE, error="it has another plan_tier by now"),
        outcome(fixes[2], OutcomeResult.FAILED, error="no space left"),
        outcome(fixes[3], OutcomeResult.SKIPPED, error="5 fixes in a row failed"),
    ]

    text = _flat(run_record(mode=RunMode.FIX, plan=plan_of(fixes), outcomes=outcomes))

    assert "4 fixes: 1 fixed, 1 stale (not written), 1 failed, 1 skipped (not tried)" in text
    for reason in ("it has another plan_tier by now", "no space left", "5 fixes in a row failed"):
        assert reason in text


def test_fixes_that_went_wrong_are_never_cut() -> None:
    fixes = [fix(f"org_{number:02}") for number in range(30)]
    failed = [outcome(each, OutcomeResult.FAILED, error="no space left") for each in fixes]

    text = _flat(run_record(mode=RunMode.FIX, plan=plan_of(fixes), outcomes=failed))

    assert all(each.org_id in text for each in fixes)


def test_a_long_plan_is_cut_and_says_by_how_many() -> None:
    text = _flat(run_record(plan=plan_of([fix(f"org_{number:02}") for number in range(33)])))

    assert "and 23 more (reconcile --format json shows all)" in text
    assert "org_09" in text
    assert "org_10" not in text


def test_a_group_says_code_severity_count_and_its_money_by_currency() -> None:
    decisions = [decision(drift("org_1")), decision(drift("org_2", money=DriftMoney(currency="jpy", leak=500)))]

    assert "tier_over (high): 2 drifts, leak 500 JPY and 900.00 USD a month" in _flat(run_record(decisions=decisions))


def test_groups_come_most_severe_first() -> None:
    worst = decision(drift("org_2", code=Code.TIER_UNDER), severity=Severity.CRITICAL)

    text = _flat(run_record(decisions=[decision(drift("org_1")), worst]))

    assert text.index("tier_under (critical)") < text.index("tier_over (high)")


def test_a_long_group_is_cut_and_says_by_how_many_unless_all_is_asked_for() -> None:
    run = run_record(decisions=_flags(33))

    assert "and 23 more (reconcile --format json shows all)" in _flat(run)
    assert "org_32" not in _flat(run)
    assert "org_32" in _flat(run, verbosity=Verbosity.VERBOSE)


def test_of_a_cut_group_the_most_money_is_shown() -> None:
    big = decision(drift("org_99", money=DriftMoney(currency="usd", leak=10**6)))

    assert "org_99" in _flat(run_record(decisions=[*_flags(20), big]))


def test_a_sentence_and_a_remedy_that_all_share_are_said_once() -> None:
    text = _flat(run_record(decisions=_flags(3)))

    assert text.count("Has enterprise, pays for professional") == 1
    assert text.count("Remedy: Lower the tier, or sell the higher one") == 1


def test_remedies_that_differ_are_said_each() -> None:
    decisions = [decision(drift("org_1", remedy="Cancel sub_1")), decision(drift("org_2", remedy="Cancel sub_2"))]

    text = _flat(run_record(decisions=decisions))

    assert "Remedy: Cancel sub_1" in text
    assert "Remedy: Cancel sub_2" in text


def test_a_drift_says_what_is_had_and_due_since_when_and_what_blocks_it() -> None:
    of = decision(drift("org_1"), runs_seen=2, blocked_by="settle_lower", reason="seen for less than a day.")

    assert (
        "tier enterprise -> professional, leak 900.00 USD a month, since 2026-09-01, seen in 2 runs, "
        "not fixed: seen for less than a day" in _flat(run_record(decisions=[of]))
    )


def test_a_fix_of_an_applied_plan_says_what_became_of_it_and_not_what_policy_would_have_done() -> None:
    of = decision(drift("org_1"), blocked_by="policy.mode", needs_approval=True, reason="policy flags everything")
    applied = run_record(
        decisions=[of], plan=plan_of([fix("org_1")]), outcomes=[outcome(fix("org_1"))], mode=RunMode.FIX
    )
    held = run_record(decisions=[of], plan=plan_of([fix("org_1")], approval=Approval.NEEDED))

    text = _flat(replace(applied, approved_by="Ann"))

    assert "fixed" in text
    assert "not fixed" not in text
    assert "an approved plan, of which it writes what limits allow" in text
    assert "needs approval, not fixed: policy flags everything" in _flat(held)


def test_a_drift_that_is_not_the_main_one_says_so() -> None:
    assert "beside its main drift" in _flat(run_record(decisions=[decision(primary=False)]))


def test_an_unclaimed_drift_is_shown_by_its_own_id() -> None:
    of = decision(drift(None, code=Code.ORPHAN_PAYER, id="orphan_payer:cus_1:sub_1"))

    assert "orphan_payer:cus_1:sub_1" in _flat(run_record(decisions=[of]))


def test_what_waits_is_upcoming_and_no_drift() -> None:
    text = _flat(run_record(decisions=[decision(drift(code=Code.CANCELED_PAID_THROUGH), Decided.WAIT)]))

    assert "Upcoming: lawful for now, no drift canceled_paid_through" in text
    assert " Drift " not in text


def test_a_date_ahead_is_not_said_to_be_since() -> None:
    of = drift(code=Code.CANCELED_PAID_THROUGH, effective_at=T0.replace(month=11))

    assert ", on 2026-11-01," in _flat(run_record(decisions=[decision(of, Decided.WAIT)]))


def test_what_is_held_is_apart_and_not_summed() -> None:
    text = _flat(run_record(decisions=[decision(drift(code=Code.SNAPSHOT_INCOMPLETE), Decided.HOLD)]))

    assert "Held: nothing concluded, no money summed snapshot_incomplete (high): 1 drift " in text


def test_what_policy_ignores_is_counted_and_not_shown() -> None:
    text = _flat(run_record(decisions=[decision(drift("org_7"), Decided.IGNORE)]))

    assert "Hidden by policy: 1 drift" in text
    assert "org_7" not in text


def test_what_is_meant_to_be_is_counted_and_not_shown() -> None:
    text = _flat(run_record(decisions=[decision(drift("org_7", code=Code.LINK_OTHER_FORM), Decided.OK)]))

    assert "As meant to be: 1 link_other_form" in text
    assert "org_7" not in text


def test_verbose_shows_reason_and_evidence_of_each() -> None:
    of = drift(evidence={"stripe": {"items": [{"price_id": "price_1"}], "ended_at": None}})

    text = _flat(run_record(decisions=[decision(of, reason="policy lower says flag")]), verbosity=Verbosity.VERBOSE)

    assert "Why flag: policy lower says flag" in text
    assert "stripe.items.0.price_id: price_1" in text
    assert "stripe.ended_at: none" in text
    assert "price_1" not in _flat(run_record(decisions=[decision(of)]))


def test_money_is_a_column_for_each_currency_with_its_own_decimals() -> None:
    money = {"usd": CurrencyTotals(billed=123456, had=123456), "jpy": CurrencyTotals(billed=98, leak=2, had=100)}

    made = _printed(run_record(totals=totals_of(money=money)))

    assert re.search(r"^ +JPY +USD$", made, re.MULTILINE)
    assert re.search(r"^  billed +98 +1,234\.56$", made, re.MULTILINE)
    assert re.search(r"^  \+ leak +2 +0\.00$", made, re.MULTILINE)
    assert "Every currency ties out" in made


def test_currencies_that_do_not_fit_beside_each_other_stand_below() -> None:
    money = {currency: CurrencyTotals(billed=10**11) for currency in ("aud", "cad", "eur", "gbp", "sek", "usd")}

    made = _printed(run_record(totals=totals_of(money=money)), width=60)

    amounts = [line.count("1,000,000,000.00") for line in made.splitlines() if line.startswith("  billed")]
    assert amounts == [2, 2, 2]


def test_money_that_does_not_tie_out_is_said_loudly() -> None:
    text = _flat(run_record(totals=totals_of(money={"eur": CurrencyTotals(residual=-5), "usd": CurrencyTotals()})))

    assert "DOES NOT TIE OUT: -0.05 EUR is left over" in text
    assert "Every currency ties out" not in text


def test_a_clean_run_plans_nothing() -> None:
    assert "No fix is planned." in _flat(run_record())


def test_a_run_over_a_part_says_so() -> None:
    assert "Only some organisations or codes were looked at" in _flat(run_record(partial=True))
