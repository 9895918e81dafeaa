from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from busy_runs import HOSTILE, busy_background, busy_run
from reconciler.model.run import RunRecord, RunResult
from reconciler.reports.background import NO_BACKGROUND, Background
from reconciler.reports.compose import book_of
from reconciler.reports.html_report import html_report
from reports.reading_reports import Html
from run_builders import decision, drift, run_record

BUSY = busy_run(400)


def made(run: RunRecord, beside: Background = NO_BACKGROUND) -> bytes:
    return html_report(run, book_of(run, beside))


def shape(content: bytes) -> list[str]:
    return [tag for tag, _ in Html(content).tags]


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_from_outside_is_markup_style_or_script(name: str) -> None:
    def of(text: str) -> bytes:
        found = drift(org_name=text, text=text, remedy=text, evidence={"stripe": {text: [text]}})
        return made(run_record(decisions=[decision(found, reason=text)], notes=[text], refusal=text))

    assert shape(of(name)) == shape(of("Acme"))
    assert "\u202e" not in of(name).decode()
    assert "\x1b" not in of(name).decode()


def test_a_name_reads_as_it_is() -> None:
    name = "Ünïcödé & <Söhne> 株式会社 👩"
    content = made(run_record(decisions=[decision(drift(org_name=name))]))
    assert name in Html(content).words
    assert name in json.loads(Html(content).data)["rows"][0]


def test_the_page_asks_nothing_of_any_network() -> None:
    page = Html(made(BUSY, busy_background(BUSY)))
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "source"}
        assert not {"src", "srcset", "style", "onclick", "onload", "background"} & attributes.keys()
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|WebSocket", page.script)


def test_its_policy_allows_its_own_style_and_script_and_nothing_else() -> None:
    page = Html(made(BUSY))
    policy = next(
        attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv") and tag == "meta"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digest = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("style-src", page.style), ("script-src", page.script))
    }
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest['style-src']}'",
        "script-src": f"'sha256-{digest['script-src']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_many_drifts_are_packed_and_all_there() -> None:
    content = made(BUSY)
    data = json.loads(Html(content).data)
    listed = [each for each in BUSY.decisions if each.decided != "ok"]
    assert b'id="packed"' in content
    assert len(data["rows"]) == len(data["evidence"]) == len(listed)
    assert {row[data["columns"].index("drift_id")] for row in data["rows"]} == {each.drift.id for each in listed}


def test_few_drifts_stand_in_the_page_as_they_are() -> None:
    assert b'id="packed"' not in made(run_record(decisions=[decision(drift())]))


def test_without_its_script_the_page_shows_the_first_drifts_and_says_how_many_there_are() -> None:
    words = Html(made(BUSY)).words
    number = sum(each.decided != "ok" for each in BUSY.decisions)
    assert f"The first 100 of {number} drifts" in words


@pytest.mark.parametrize("result", RunResult)
def test_the_first_word_is_the_result(result: RunResult) -> None:
    page = Html(made(run_record(result=result)))
    assert page.words.split("Go to the drifts")[1].strip().startswith(result.value.upper())


def test_what_was_not_read_whole_is_said_at_the_top() -> None:
    page = Html(made(run_record(complete=False)))
    assert page.words.index("lago not read whole") < page.words.index("Organisations")


def test_each_drift_links_to_the_screens_of_both_sides() -> None:
    data = json.loads(Html(made(BUSY, busy_background(BUSY))).data)
    stripe, lago = (data["columns"].index(name) for name in ("stripe_link", "lago_link"))
    assert all(
        re.fullmatch(r"https://dashboard\.stripe\.com/acct_1Example/subscriptions/sub_\w+", row[stripe])
        for row in data["rows"]
    )
    assert all(re.fullmatch(r"https://lago\.example\.com/customer/[0-9a-f-]{36}", row[lago]) for row in data["rows"])


def test_an_id_that_is_none_of_stripes_gets_no_link() -> None:
    found = drift(evidence={"stripe": {"live": [{"subscription": "sub_1/../../evil", "customer": "javascript:1"}]}})
    data = json.loads(Html(made(run_record(decisions=[decision(found)]), Background(livemode=False))).data)
    assert data["rows"][0][data["columns"].index("stripe_link")] is None


def test_the_same_run_gives_the_same_bytes() -> None:
    assert made(BUSY, busy_background(BUSY)) == made(busy_run(400), busy_background(busy_run(400)))


def test_charts_and_headline_say_what_the_tables_say() -> None:
    words = Html(made(BUSY, busy_background(BUSY))).words
    assert f"With drift {BUSY.totals.drift}" in words
    assert "Leak, owed and overbilled a month by code, USD" in words
    assert "Organisations with drift, run by run" in words


def test_a_run_that_was_refused_whole_counts_nobody() -> None:
    assert "In sync" not in Html(made(run_record(refusal="No organisation is left.", complete=False))).words
