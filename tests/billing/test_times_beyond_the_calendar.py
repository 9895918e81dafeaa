"""Times that no calendar holds: never a crash, never a row that is silently lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from billing.billing_support import NOW, lago_sandbox, lago_source
from reconciler.billing import lago_wire, stripe_wire


def test_a_lago_end_on_the_last_day_of_time_is_read() -> None:
    lago = lago_sandbox()
    lago.add_plan("forever", amount_cents=100)
    lago.add_customer("org_1")
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    lago.add_subscription("org_1", "forever", external_id="s", ending_at=last)
    with lago.serve() as server, lago_source(server) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete
    assert [each.cancel_at for each in snapshot.subscriptions if each.external_id == "s"] == [last]


def test_a_trial_longer_than_the_calendar_never_ends() -> None:
    lago = lago_sandbox()
    lago.add_plan("endless", amount_cents=100, trial_days=10**9)
    lago.add_customer("org_1")
    lago.add_subscription("org_1", "endless", external_id="s")
    with lago.serve() as server, lago_source(server) as source:
        snapshot = source.read_all(NOW)
    (row,) = [each for each in snapshot.subscriptions if each.external_id == "s"]
    assert row.trial_end == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "sent"), [(stripe_wire.Instant, 10**15), (lago_wire.Instant, "9999-12-31T23:59:59-12:00")]
)
def test_a_time_beyond_the_calendar_is_refused_as_a_value(instant: Any, sent: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(instant).validate_json(json.dumps(sent))
