"""How rules are put together: of several that would explain the same the first, all, or only where they hold."""

from __future__ import annotations

from collections.abc import Iterator

from builders import customers, linked, observe_world, terms
from reconciler.model.drift import Code, Drift
from reconciler.rules.case import Case
from reconciler.rules.compare import make_world
from reconciler.rules.judge import Rule, all_of, first_of, where
from reconciler.rules.make_case import make_case

ORG = linked()
CASE = make_case(ORG, make_world(observe_world([ORG], *customers()), terms()))


def telling(*codes: Code) -> Rule:
    def rule(case: Case) -> Iterator[Drift]:
        return (case.drift(code) for code in codes)

    return rule


def told(rule: Rule) -> list[Code]:
    return [drift.code for drift in rule(CASE)]


def test_the_first_rule_that_tells_anything_is_the_only_one_told() -> None:
    rule = first_of(telling(), telling(Code.PAUSED, Code.UNPAID), telling(Code.TIER_OVER))
    assert told(rule) == [Code.PAUSED, Code.UNPAID]
    assert told(first_of(telling(), telling())) == []


def test_all_rules_are_told_in_their_order() -> None:
    assert told(all_of(telling(Code.PAUSED), telling(), telling(Code.TIER_OVER))) == [Code.PAUSED, Code.TIER_OVER]


def test_a_rule_is_told_only_where_it_holds() -> None:
    assert told(where(lambda case: case is CASE, telling(Code.PAUSED))) == [Code.PAUSED]
    assert told(where(lambda case: case is not CASE, telling(Code.PAUSED))) == []
