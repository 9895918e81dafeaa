"""When passes begin: the [schedule] section as a trigger of APScheduler, with cron's own meaning of its fields."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.errors import SettingsError
from reconciler.settings.sections import ScheduleSection

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GAPS = 100  # so many beginnings are looked at for the longest time between two
_NUMBERED = re.compile(r"(?:\*|(\d)(?:-(\d))?)(?:/(\d))?")


def make_trigger(schedule: ScheduleSection, zone: str, now: datetime) -> BaseTrigger:
    """The trigger of `schedule`, whose cron means times in `zone`. Raises SettingsError for a cron that names none."""
    jitter = float(schedule.jitter_ratio) * interval_of(schedule, zone, now).total_seconds()
    trigger = _exact(schedule, zone)
    trigger.jitter = jitter or None
    return trigger


def interval_of(schedule: ScheduleSection, zone: str, now: datetime) -> timedelta:
    """The time between two beginnings; of a cron, the longest among the next ones. Raises SettingsError likewise."""
    if schedule.every is not None:
        return schedule.every
    trigger = _exact(schedule, zone)
    longest = timedelta(0)
    at = trigger.get_next_fire_time(None, now)
    for _ in range(_GAPS):
        after = trigger.get_next_fire_time(at, at + timedelta(seconds=1)) if at else None
        if at is None or after is None:
            break
        longest, at = max(longest, after - at), after
    if not longest:
        raise SettingsError(f"[schedule] cron {schedule.cron!r} comes round never or once", remedy="Correct it")
    return longest


def _exact(schedule: ScheduleSection, zone: str) -> BaseTrigger:
    if schedule.every is not None:
        return IntervalTrigger(seconds=schedule.every.total_seconds(), timezone=UTC)
    minute, hour, day, month, weekday = schedule.cron.split()
    known = ZoneInfo(zone) if zone != "UTC" else UTC
    either = day != "*" and weekday != "*"  # cron runs on a day that either of the two names
    try:
        crons = [
            CronTrigger(minute=minute, hour=hour, day=each_day, month=month, day_of_week=each_weekday, timezone=known)
            for each_day, each_weekday in ([(day, "*"), ("*", _named(weekday))] if either else [(day, _named(weekday))])
        ]
    except ValueError as error:
        raise SettingsError(f"[schedule] cron {schedule.cron!r} names no times", remedy="Correct it") from error
    return OrTrigger(crons) if either else crons[0]


def _named(weekday: str) -> str:
    """The field with names for numbers: to cron 0 and 7 are Sunday, to APScheduler 0 is Monday."""
    return ",".join(name for part in weekday.split(",") for name in _names_of(part))


def _names_of(part: str) -> list[str]:
    match = _NUMBERED.fullmatch(part)
    if match is None or part == "*":
        return [part]
    first, last, step = match.groups()
    begin, end = int(first or 0), int(last or (first if first and not step else 6))
    if max(begin, end) >= len(_DAYS) or begin > end or step == "0":
        raise ValueError(part)
    return list(dict.fromkeys(_DAYS[begin : end + 1 : int(step or 1)]))
