"""How moments and durations are told."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from reconciler.model.moments import duration_text, utc


def test_a_moment_is_told_in_utc_whatever_its_own_time_zone() -> None:
    moment = datetime(2026, 11, 1, 1, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    assert utc(moment) == "2026-10-31 23:30 UTC"
    assert utc(moment, seconds=True) == "2026-10-31 23:30:05 UTC"


def test_a_duration_is_told_as_the_configuration_spells_it() -> None:
    told = [duration_text(timedelta(**each)) for each in ({"days": 1}, {"hours": 36}, {"minutes": 90}, {"seconds": 0})]
    assert told == ["1d", "1d12h", "1h30m", "0s"]
