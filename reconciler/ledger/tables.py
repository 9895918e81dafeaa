"""The ledger's tables: what is kept of a run, and how changes alone are enough to tell every run again.

A run lists its decisions and planned fixes by number; a decision or fix that stays the same is one row for all the runs
that list it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

SCHEMA_VERSION = 2


class UtcDateTime(TypeDecorator[datetime]):
    """Keeps aware datetimes and gives them back in UTC; refuses naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database; SQLite drops the zone, so it must be UTC before."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, with its zone."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _number() -> Column[int]:
    return Column("seq", Integer, primary_key=True, autoincrement=True)


def _fix_columns() -> tuple[Column[Any], ...]:
    return (
        Column("drift_id", String, nullable=False),
        Column("org_id", String, nullable=False, index=True),
        Column("call", String, nullable=False),
        Column("arguments", JSON, nullable=False),
        Column("expects", JSON, nullable=False),
        Column("direction", String, nullable=False),
    )


metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

runs = Table(
    "runs",
    metadata,
    _number(),
    Column("id", String, nullable=False, unique=True),
    Column("mode", String, nullable=False),
    Column("trigger", String, nullable=False),
    Column("result", String, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("version", String, nullable=False),
    Column("config_sha256", String, nullable=False),
    Column("refusal", Text),
    Column("notes", JSON, nullable=False),
    Column("store", JSON, nullable=False),
    Column("sources", JSON, nullable=False),
    Column("totals", JSON, nullable=False),
    Column("plan_digest", String, nullable=False),
    Column("refused_by", JSON, nullable=False),
    # Whether the run counts as a complete run (design.md), and how many of these there are with it.
    Column("counts", Boolean, nullable=False),
    Column("complete_no", Integer, nullable=False, index=True),
    Column("population", Integer),
    # Rows of `decisions` and `planned_fixes` in the run's own order, as spans [first, last].
    Column("decisions", JSON, nullable=False),
    Column("fixes", JSON, nullable=False),
)

drifts = Table(
    "drifts",
    metadata,
    Column("id", String, primary_key=True),
    Column("code", String, nullable=False),
    Column("org_id", String, index=True),
    Column("decision", Integer, nullable=False),  # the last recorded row of `decisions`
)

decisions = Table(
    "decisions",
    metadata,
    _number(),
    Column("run", ForeignKey("runs.seq"), nullable=False),  # the first that listed it
    Column("drift_id", String, nullable=False, index=True),
    Column("decided", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("primary", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("blocked_by", String),
    Column("needs_approval", Boolean, nullable=False),
    Column("confirms", String, nullable=False),
    Column("drift", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
)

# An unbroken sequence of complete runs that saw a drift, by their complete_no; `ended_by` is empty while it lasts.
sightings = Table(
    "sightings",
    metadata,
    _number(),
    Column("drift_id", ForeignKey("drifts.id"), nullable=False, index=True),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("first_no", Integer, nullable=False),
    Column("last_no", Integer),
    Column("ended", String),
    Column("ended_by", ForeignKey("runs.seq"), index=True),
)

# An unbroken sequence of complete runs under one configuration that came to the same fix and saw nothing against it.
confirmations = Table(
    "confirmations",
    metadata,
    _number(),
    Column("confirms", String, nullable=False),
    Column("drift_id", ForeignKey("drifts.id"), nullable=False, index=True),
    Column("config_sha256", String, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("first_no", Integer, nullable=False),
    Column("ended_by", ForeignKey("runs.seq"), index=True),
)

planned_fixes = Table(
    "planned_fixes",
    metadata,
    _number(),
    *_fix_columns(),
    Column("approval", String, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
)

outcomes = Table(
    "outcomes",
    metadata,
    _number(),
    Column("run", ForeignKey("runs.seq"), nullable=False, index=True),
    *_fix_columns(),
    Column("result", String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("error", Text),
    Column("written", Boolean, nullable=False),
    Index("ix_outcomes_done", "written", "at"),
)

# Fixes that a run was about to write; open, and counted as done, until a run of this id is recorded.
intents = Table(
    "intents",
    metadata,
    _number(),
    Column("run_id", String, nullable=False),
    *_fix_columns(),
    Column("at", UtcDateTime, nullable=False),
)

# What complete runs saw of an organisation; from the run `since` up to, without it, `until`.
org_states = Table(
    "org_states",
    metadata,
    _number(),
    Column("org_id", String, nullable=False, index=True),
    Column("tier", String, nullable=False),
    Column("status", String, nullable=False),
    Column("lago_id", String),
    Column("stripe_id", String),
    Column("since", ForeignKey("runs.seq"), nullable=False),
    Column("until", ForeignKey("runs.seq"), index=True),
)
