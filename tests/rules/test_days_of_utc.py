"""Days and seals are of UTC, wherever the machine stands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from reconciler.rules.accrual import accrued
from reconciler.rules.sealing import seal_of, seal_plan
from run_builders import fix, plan_of, run_record

EVENING = datetime(2026, 10, 1, 20, tzinfo=UTC)
MORNING = datetime(2026, 10, 2, 2, tzinfo=UTC)


@pytest.fixture(params=["Asia/Tokyo", "America/Los_Angeles"])
def far_from_utc(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_what_came_to_is_counted_by_days_of_utc() -> None:
    assert accrued(3100, EVENING, MORNING) == 100
    assert accrued(3100, MORNING, datetime(2026, 10, 2, 22, tzinfo=UTC)) == 0


@pytest.mark.usefixtures("far_from_utc")
def test_a_plan_is_sealed_by_moments_of_utc() -> None:
    sealed = seal_plan(run_record("run-7", plan=plan_of([fix("org_1"), fix("org_2")])), store_at="/srv/orgs")
    assert sealed.seal == "sha256:030fe2c9a457ba3ab7b7c4901eaa491d4fffd83e39cf61566902722810a73e10"
    assert seal_of(sealed) == sealed.seal
