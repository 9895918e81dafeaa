"""What every rule says of a fix that it lets through, and a drift of every code without a detail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import EVERYTHING, FIX_ALL, NOW, customers, judged, lago_sub, linked, observe_world, stripe_sub, terms
from reconciler.model.drift import Code
from reconciler.model.history import Failures, Sighting
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.compare import make_world
from reconciler.rules.make_case import make_case
from reconciler.rules.stops import Question, next_try, rules_tried

ORG = linked(1, "enterprise")
WORLD = observe_world([ORG], *customers(), lago_sub(), stripe_sub())


def test_a_lowering_that_nothing_stops_says_so_of_every_rule() -> None:
    (drift,) = judged(WORLD).drifts
    asked = Question(
        drift=drift,
        others=[],
        confirmed=Sighting(first_seen=NOW, runs_seen=1),
        policy=FIX_ALL,
        scope=EVERYTHING,
        now=NOW,
        complete=True,
    )
    assert [(each.rule, each.words, each.stops) for each in rules_tried(asked)] == [
        ("proof", "the facts themselves forbid nothing", False),
        ("beside", "no other drift of the organisation forbids it", False),
        ("waiver", "nothing of the organisation is waived", False),
        ("partial", "the run looks at everything", False),
        ("confirm_runs", "seen in 1 of the 1 complete runs in a row that it needs", False),
        ("settle_lower", "seen for at least settle_lower (0s)", False),
        ("backoff", "it has not failed", False),
        ("policy.codes.tier_over", "policy does not flag tier_over", False),
        ("policy.lower", "policy lets fixes to lower be written", False),
        ("policy.mode", "policy lets fixes be written (mode)", False),
    ]


@pytest.mark.parametrize(("count", "after"), [(1, 5), (2, 15), (3, 45), (6, 1215), (7, 1440), (40, 1440)])
def test_what_failed_is_tried_again_ever_later_up_to_a_day(count: int, after: int) -> None:
    failures = Failures(count=count, last_at=NOW, error="locked")
    assert next_try(failures) == NOW + timedelta(minutes=after)


@pytest.mark.parametrize("code", list(Code))
def test_a_drift_without_a_detail_says_only_what_its_row_says(code: Code) -> None:
    row = CATALOGUE[code]
    words = {"org": "org_1", "has": "enterprise", "due": "", "detail": ""}
    drift = make_case(ORG, make_world(WORLD, terms())).drift(code)
    assert (drift.text, drift.remedy) == (row.text.format_map(words), row.remedy.format_map(words))
    assert (drift.id, drift.org_name) == (f"{code}:org_1", "Company 1")
