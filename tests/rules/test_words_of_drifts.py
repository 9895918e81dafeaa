"""What a person reads of each drift: the whole sentence, since it is all that finance has to go by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import (
    DAY,
    FIX_ALL,
    NOW,
    customers,
    decided,
    drifts_of,
    lago_sub,
    linked,
    observe_world,
    stripe_customer,
    stripe_sub,
    terms,
)
from reconciler.model.billing import (
    Customer,
    EndReason,
    Item,
    Source,
    Subscription,
    SubscriptionStatus,
)
from reconciler.model.drift import Decision, State
from reconciler.model.history import History, Sighting
from reconciler.model.observation import Observation
from reconciler.model.orgs import InvalidRecord, Org
from reconciler.model.terms import Authority, CodePolicy, Do, Limits, Terms
from reconciler.rules.decide import Scope
from reconciler.rules.refusals import refuse_run

ENDED = SubscriptionStatus.ENDED
STRANGE = tuple(
    Item(id=each, price_id=each, unit_amount=1, currency="usd") for each in ("price_secret", "price_who_knows")
)
BY_STRIPE = terms(Authority.STRIPE)
BY_LAGO = terms(Authority.LAGO)
EITHER = terms(Authority.EITHER)


def world(org: Org, *held: Customer | Subscription, **changes: Any) -> Observation:
    return observe_world([org], *customers(), *held, **changes)


CASES: list[tuple[Observation, Terms, str]] = [
    (
        world(linked(1, "starter"), stripe_sub()),
        BY_STRIPE,
        "The organisation has starter but pays for professional.",
    ),
    (
        world(linked(1, "trial"), stripe_sub()),
        BY_STRIPE,
        "The organisation pays for professional but has the unpaid tier trial.",
    ),
    (
        world(linked(1, "enterprise"), stripe_sub()),
        BY_STRIPE,
        "The organisation has enterprise but pays for professional only.",
    ),
    (
        world(linked(), lago_sub(), stripe_sub(1, "enterprise")),
        terms(),
        (
            "Lago and Stripe both have a live subscription but for different tiers: professional on lago, enterprise "
            "on "
            "stripe."
        ),
    ),
    (
        world(linked(), lago_sub(), stripe_sub(1, "enterprise")),
        EITHER,
        (
            "Lago and Stripe both have a live subscription but for different tiers: professional on lago, enterprise "
            "on "
            "stripe."
        ),
    ),
    (
        world(linked(), lago_sub()),
        BY_STRIPE,
        (
            "A live subscription is on a side that does not grant tiers, and nothing that grants gives as much: "
            "professional on lago."
        ),
    ),
    (
        world(linked(), stripe_sub(status=ENDED, period_end=NOW + DAY)),
        BY_STRIPE,
        (
            "The subscription was canceled and is paid until 2026-11-25 12:00 UTC; the organisation keeps professional "
            "until then."
        ),
    ),
    (
        world(linked(), stripe_sub(sub_id="a"), stripe_sub(1, "starter", sub_id="b")),
        BY_STRIPE,
        "The customer has more than one live paid subscription: a (professional), b (starter).",
    ),
    (
        world(linked(), lago_sub(), lago_sub(1, "founders_friend")),
        BY_LAGO,
        "A free subscription is left beside the paid one: lagosub-1-founders_friend (founders_friend).",
    ),
    (
        world(linked(), lago_sub(collected_automatically=True), stripe_sub()),
        EITHER,
        (
            "Lago and Stripe both collect for this organisation by themselves: lagosub-1-professional (professional), "
            "sub_1_professional (professional)."
        ),
    ),
    (
        world(linked(1, stripe_id=None), stripe_sub()),
        BY_STRIPE,
        "The organisation's customer was found by its own id but is not recorded: stripe customer cus_1.",
    ),
    (
        world(linked(1, lago_id="lago-1"), lago_sub()),
        BY_LAGO,
        (
            "The recorded id is another known id of the organisation's own customer: lago-1 on lago, found by the "
            "organisation's own id, held by the customer, the recorded customer id."
        ),
    ),
    (
        world(linked(), stripe_sub(price="price_secret", extra_items=STRANGE[1:])),
        BY_STRIPE,
        "What the organisation has or pays for is not in the catalog: price_secret, price_who_knows on stripe.",
    ),
    (
        world(linked(), incomplete=tuple(Source)),
        terms(),
        "Nothing was concluded, because a source that decides was not read whole: lago and stripe.",
    ),
    (
        observe_world([linked(1, "founders_friend")], *customers(), stripe_customer(9, org_key=""), stripe_sub(9)),
        BY_STRIPE,
        (
            "A customer pays for professional, but no organisation claims it: stripe customer cus_9, subscription "
            "sub_9_professional."
        ),
    ),
]


@pytest.mark.parametrize(("observed", "by", "text"), CASES, ids=[text[:60] for _, _, text in CASES])
def test_a_drift_says_in_a_sentence_what_it_is(observed: Observation, by: Terms, text: str) -> None:
    assert text in {drift.text for drift in drifts_of(observed, by)}


def test_a_drift_says_what_the_organisation_has_and_is_due() -> None:
    states = []
    for row in (stripe_sub(1, "enterprise"), stripe_sub(1, "starter"), stripe_sub(status=ENDED)):
        (drift,) = drifts_of(world(linked(), row), BY_STRIPE)
        assert drift.has == State(tier="professional", status="active")
        states.append(drift.due)
    assert states == [State(tier=each, status="active") for each in ("enterprise", "starter", "professional")]


def test_a_raise_and_a_lowering_took_effect_when_the_subscription_began() -> None:
    began = stripe_sub(started_at=NOW - 7 * DAY, cancel_at=NOW + 7 * DAY)
    for tier in ("starter", "enterprise"):
        drift = drifts_of(world(linked(1, tier), began), BY_STRIPE)[-1]
        assert drift.effective_at == NOW - 7 * DAY
    (suspended,) = drifts_of(world(linked(1, status="suspended"), began), BY_STRIPE)
    assert suspended.effective_at == NOW - 7 * DAY


def stopped(observed: Observation, by: Terms = BY_STRIPE, **changes: Any) -> Decision:
    (decision,) = decided(observed, by, **changes)
    return decision


OVER = world(linked(1, "enterprise"), stripe_sub())


@pytest.mark.parametrize(
    ("observed", "by", "reason"),
    [
        (
            world(linked(), stripe_sub(status=ENDED, period_end=NOW - DAY), incomplete=[Source.LAGO]),
            BY_STRIPE,
            "the run is not complete",
        ),
        (
            world(linked(1, "enterprise"), stripe_sub(extra_items=STRANGE)),
            BY_STRIPE,
            "not in the catalog: price_secret, price_who_knows on stripe",
        ),
        (
            world(linked(1, "enterprise"), stripe_sub(), lago_sub(1, "enterprise")),
            BY_STRIPE,
            "lago still entitles it to enterprise by lagosub-1-enterprise",
        ),
        (
            world(linked(), lago_sub(status=ENDED, ended_at=None)),
            BY_LAGO,
            "until when lagosub-1-professional was paid is not known",
        ),
        (
            world(
                linked(1, "enterprise"),
                stripe_sub(1, "starter"),
                stripe_sub(sub_id="a", status=ENDED, period_start=NOW - DAY, end_reason=EndReason.PAYMENT_DISPUTED),
            ),
            BY_STRIPE,
            "a ended in a dispute, which a person decides",
        ),
        (
            world(linked(1, "enterprise"), stripe_sub(1, "starter"), lago_sub(status=SubscriptionStatus.PAUSED)),
            BY_STRIPE,
            "lagosub-1-professional is paused",
        ),
        (
            world(linked(1, "enterprise"), stripe_sub(1, "starter"), lago_sub(status=SubscriptionStatus.UNKNOWN)),
            BY_STRIPE,
            "lagosub-1-professional is unknown, which is not known",
        ),
        (
            world(linked(1, "enterprise"), stripe_sub(1, "starter", amount=None)),
            BY_STRIPE,
            "what sub_1_starter costs is not known",
        ),
        (
            world(linked(), stripe_sub(status=ENDED, period_end=NOW - DAY)),
            terms(),
            "both sides must have ended, and only stripe has",
        ),
    ],
)
def test_a_lowering_that_lacks_proof_says_what_is_missing(observed: Observation, by: Terms, reason: str) -> None:
    decision = stopped(observed, by)
    assert (decision.blocked_by, decision.reason) == ("proof", reason)


def test_every_other_stop_is_said_in_words() -> None:
    history = History(confirmations={stopped(OVER).confirms: Sighting(first_seen=NOW, runs_seen=1)})
    once = replace(OVER, history=history)
    assert [
        stopped(OVER, scope=Scope(limit=1)).reason,
        stopped(once, policy=replace(FIX_ALL, settle_lower=DAY)).reason,
        stopped(OVER, policy=replace(FIX_ALL, codes={"tier_over": CodePolicy(do=Do.FLAG)})).reason,
        stopped(world(linked(1, "starter"), stripe_sub()), policy=replace(FIX_ALL, settle_raise=DAY)).reason,
        stopped(OVER).reason,
    ] == [
        "a run over some organisations or codes lowers nothing",
        "seen for less than settle_lower (1d)",
        "policy flags tier_over",
        "seen for less than settle_raise (1d)",
        "tier_over is fix by the catalogue",
    ]


def test_a_refused_run_says_in_whole_sentences_what_to_do() -> None:
    invalid = [InvalidRecord(key=f"org_{number}", problem=f"fault {number}", readable=True) for number in range(2)]
    observed = [
        observe_world([]),
        observe_world([linked(each) for each in range(2)], invalid=invalid),
        observe_world([linked()], history=History(population=9)),
    ]
    refusals = [refuse_run(each, terms(), Limits()) for each in observed]
    said = [
        each.text.partition("; if all is right, run reconcile breaker ack --plan sha256:") for each in refusals if each
    ]
    assert all(digest.endswith(" --by NAME --reason WHY") for _, _, digest in said)
    assert [text for text, _, _ in said] == [
        (
            "The store holds no organisation that can be read, which is more likely a lost store than an empty "
            "business. "
            "Nothing was judged or written. Check [orgs] store, and restore the store if it was lost"
        ),
        (
            "2 records of the store are refused by the application's own validation, the first is org_0 (fault 0). "
            "Nothing "
            "was judged or written. Correct them by hand first: the application sees an EMPTY store"
        ),
        (
            "The store holds 1 organisations, 8 fewer than at the last complete run. Nothing was judged or written. "
            "Check "
            "the store"
        ),
    ]
