from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.model.drift import Code, Decided, Direction, DriftMoney
from reconciler.model.run import CurrencyTotals, OutcomeResult, RunMode, RunRecord, RunResult
from reconciler.reports.compose import book_of
from reconciler.reports.markdown_report import markdown_report as written
from run_builders import decision, drift, fix, outcome, plan_of, run_record, source_read, totals_of

HOSTILE = [
    "<script>alert(1)</script>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "https://evil.example",
    "**bold** _it_ ~~no~~",
    "`code` ``more``",
    "| a | b |",
    "# heading",
    "two\n\n# lines",
    "- item",
    "    indented",
    "1. one",
    "> quote",
    "--- ",
    "=== ",
    "&lt;b&gt;",
    "\\",
    "\u202eevil",
]


def markdown_report(run: RunRecord) -> bytes:
    return written(run, book_of(run))


def _tokens(run: RunRecord) -> Iterator[Token]:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for token in parser.parse(markdown_report(run).decode()):
        yield token
        yield from token.children or ()


def _words(run: RunRecord) -> str:
    return " ".join(token.content for token in _tokens(run) if token.type in {"text", "code_inline"})


def _full(name: str) -> RunRecord:
    of = fix()
    return run_record(
        decisions=[decision(drift(org_name=name, text=name, remedy=name), blocked_by=name)],
        plan=plan_of([of]),
        outcomes=[outcome(of, OutcomeResult.FAILED, error=name)],
        notes=[name],
        refusal=name,
        store=source_read(problem=name),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_from_outside_is_read_as_markup(name: str) -> None:
    def shape(run: RunRecord) -> list[str]:
        return [token.type for token in _tokens(run) if token.type not in {"text", "text_special", "code_inline"}]

    assert shape(_full(name)) == shape(_full("Acme"))


@pytest.mark.parametrize("name", ["[red] <b>", "a_b*c", "5 | 6", "Café 株式会社"])
def test_a_name_reads_as_it_is(name: str) -> None:
    assert f"`{name}`" in markdown_report(_full(name)).decode()
    assert name in "".join(token.content for token in _tokens(_full(name)))


@pytest.mark.parametrize("result", RunResult)
def test_the_first_words_are_the_result(result: RunResult) -> None:
    assert markdown_report(run_record(result=result)).decode().startswith(f"# {result.value.upper()}\n")


def test_the_last_words_are_the_exit_code() -> None:
    assert markdown_report(run_record(exit_code=4)).decode().endswith("Exit code 4: a source was not read whole.\n")


def test_a_side_that_was_not_read_whole_says_so() -> None:
    run = run_record(complete=False)

    assert "| lago | 2 | **NO** |  |" in markdown_report(run).decode()


def test_a_plan_says_what_became_of_each_fix_and_which_limit_refused() -> None:
    raised, lowered = fix("org_1", direction=Direction.RAISE), fix("org_2")
    run = run_record(
        mode=RunMode.FIX,
        plan=plan_of([raised, lowered], refused_by={Direction.LOWER: "max_lower_count"}),
        outcomes=[outcome(raised, OutcomeResult.FAILED, error="no space left")],
    )

    words = _words(run)

    assert "1 failed, 1 refused by a limit" in words
    assert "LOWER REFUSED  by  max_lower_count" in words
    assert "no space left" in words


def test_a_long_group_is_cut_and_says_by_how_many() -> None:
    made = markdown_report(run_record(decisions=[decision(drift(f"org_{number:02}")) for number in range(33)])).decode()

    assert "- and 23 more (`reconcile --format json` shows all)" in made
    assert "org_32" not in made


def test_drifts_waits_and_holds_stand_apart() -> None:
    made = markdown_report(
        run_record(
            decisions=[
                decision(drift("org_1")),
                decision(drift("org_2", code=Code.CANCELED_PAID_THROUGH), Decided.WAIT),
                decision(drift("org_3", code=Code.SNAPSHOT_INCOMPLETE), Decided.HOLD),
            ]
        )
    ).decode()

    places = [made.index(title) for title in ("## Drift", "org_1", "## Upcoming", "org_2", "## Held", "org_3")]
    assert places == sorted(places)


def test_money_that_does_not_tie_out_is_said() -> None:
    run = run_record(totals=totals_of(money={"jpy": CurrencyTotals(residual=5)}))

    assert "**DOES NOT TIE OUT:** 5 JPY" in markdown_report(run).decode()


@pytest.mark.parametrize(
    ("name", "text"), [("https://evil.example", r"https\://evil"), ("www.evil.example", r"www\.evil")]
)
def test_an_address_in_a_text_is_no_link_where_bare_addresses_are(name: str, text: str) -> None:
    prose = re.sub("`[^`]*`", "", markdown_report(_full(name)).decode())

    assert text in prose
    assert name not in prose


def test_what_has_come_to_the_most_stands_first_and_is_short() -> None:
    decisions = [
        decision(drift(f"org_{number}", money=DriftMoney(currency="usd", leak=number * 100))) for number in range(1, 9)
    ]
    text = markdown_report(run_record(decisions=decisions)).decode()
    table = text.split("## What has come to the most so far")[1].split("\n\n")[1].splitlines()
    assert table[2].startswith("| 8.00 USD | tier\\_over | `org_8` | `Name of org_8` |")
    assert len(table) == 2 + 5
