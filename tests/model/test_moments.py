"""How moments are told."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from reconciler.model.moments import utc


def test_a_moment_is_told_in_utc_whatever_its_own_time_zone() -> None:
    moment = datetime(2026, 11, 1, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    assert utc(moment) == "2026-10-31 23:30 UTC"
    assert utc(moment, seconds=True) == "2026-10-31 23:30:05 UTC"
