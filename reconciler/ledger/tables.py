"""The ledger's tables: what is kept of a run and of people's acts, and how changes alone tell every run again.

A run lists its decisions and planned fixes by number; a decision or fix that stays the same is one row for all the runs
that list it. Every row says which event wrote it, and which event ended it where it can end; nothing else of a row ever
changes. So the hash that an event holds over what it wrote and ended proves all tables (chain.py).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from reconciler.ledger.columns import UtcDateTime, ended_by, event, event_number, json, number

metadata = MetaData()

# The chain: each row is hashed over the one before, and over the rows that it wrote and ended.
events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    json("body"),
    Column("content", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    event_number(),
    Column("id", String, nullable=False, unique=True),
    Column("mode", String, nullable=False),
    Column("trigger", String, nullable=False),
    Column("result", String, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False, index=True),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("version", String, nullable=False),
    Column("config_sha256", String, nullable=False),
    Column("refusal", Text),
    Column("refusal_digest", String, index=True),
    Column("approved_by", String),
    json("notes"),
    json("store"),
    json("sources"),
    json("totals"),
    json("explained", nullable=True),
    Column("plan_digest", String, nullable=False),
    json("refused_by"),
    # Whether the run counts as a complete run (design.md), and how many of these there are with it.
    Column("counts", Boolean, nullable=False),
    Column("complete_no", Integer, nullable=False, index=True),
    Column("population", Integer, nullable=False),
    # Rows of `decisions` and `planned_fixes` in the run's own order, as spans [first, last].
    json("decisions"),
    json("fixes"),
)

drifts = Table(
    "drifts",
    metadata,
    Column("id", String, primary_key=True),
    event(),
    Column("code", String, nullable=False),
    Column("org_id", String, index=True),
)

# What was decided about a drift; the row without an end is the last that was recorded of it.
decisions = Table(
    "decisions",
    metadata,
    number(),
    event(),
    Column("drift_id", String, nullable=False, index=True),
    Column("decided", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("primary", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("blocked_by", String),
    Column("needs_approval", Boolean, nullable=False),
    Column("confirms", String, nullable=False),
    Column("waived_until", UtcDateTime),
    json("drift"),
    Column("digest", String(64), nullable=False),
    ended_by(),
)

# An unbroken sequence of complete runs that saw a drift, by their complete_no. `seen_before`: it is not the first.
sightings = Table(
    "sightings",
    metadata,
    number(),
    event(),
    Column("drift_id", String, nullable=False, index=True),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("first_no", Integer, nullable=False),
    Column("first_ever_seen", UtcDateTime, nullable=False),
    ended_by(),
    Column("last_seen", UtcDateTime),
    Column("last_no", Integer),
    Column("ended", String),
)

# An unbroken sequence of complete runs under one configuration that came to the same fix and saw nothing against it.
confirmations = Table(
    "confirmations",
    metadata,
    number(),
    event(),
    Column("confirms", String, nullable=False),
    Column("drift_id", String, nullable=False, index=True),
    Column("config_sha256", String, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("first_no", Integer, nullable=False),
    ended_by(),
)


def _fix_columns() -> tuple[Column[Any], ...]:
    return (
        Column("drift_id", String, nullable=False),
        Column("org_id", String, nullable=False, index=True),
        Column("call", String, nullable=False),
        json("arguments"),
        json("expects"),
        Column("direction", String, nullable=False),
        json("worth", nullable=True),
        Column("key", String, nullable=False, index=True),
    )


planned_fixes = Table(
    "planned_fixes",
    metadata,
    number(),
    event(),
    *_fix_columns(),
    Column("approval", String, nullable=False),
    Column("released", Boolean, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
)

outcomes = Table(
    "outcomes",
    metadata,
    event_number(),
    Column("run", ForeignKey("runs.seq"), nullable=False, index=True),
    *_fix_columns(),
    Column("result", String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("error", Text),
    Column("written", Boolean, nullable=False),
    Index("ix_outcomes_done", "written", "at"),
    Index("ix_outcomes_result", "result", "at"),
)

# Fixes that a run was about to write; open, and counted as done, until a run is recorded that has or explains the id.
intents = Table(
    "intents",
    metadata,
    number(),
    event(),
    Column("run_id", String, nullable=False, index=True),
    *_fix_columns(),
    Column("at", UtcDateTime, nullable=False, index=True),
    ended_by(),
    Column("shows", String),  # what the store showed of it, said by the run that explained it
)

# What complete runs saw of an organisation, and of the last change of its tier between two of them.
org_states = Table(
    "org_states",
    metadata,
    number(),
    event(),
    Column("org_id", String, nullable=False, index=True),
    Column("tier", String, nullable=False),
    Column("status", String, nullable=False),
    Column("lago_id", String),
    Column("stripe_id", String),
    Column("since", UtcDateTime),
    Column("own_status", Boolean, nullable=False),  # the status is a write of ours
    Column("own_tier", Boolean, nullable=False),  # the tier is a write of ours
    Column("tier_before", String),  # the last change of the tier: empty where none was seen
    Column("tier_changed_at", UtcDateTime),
    Column("before_own", Boolean),  # the tier before was a write of ours
    ended_by(),
)

# What complete runs saw of a subscription.
subscription_states = Table(
    "subscription_states",
    metadata,
    number(),
    event(),
    Column("subscription_id", String, nullable=False, index=True),
    Column("digest", String, nullable=False),
    Column("since", UtcDateTime),
    Column("next_at", UtcDateTime),
    ended_by(),
)

# What people said, each an event of its own; `subject` is a drift, an organisation, a contract or a digest.
acts = Table(
    "acts",
    metadata,
    event_number(),
    Column("kind", String, nullable=False, index=True),
    Column("subject", String, nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String, nullable=False),
    Column("os_user", String, nullable=False),
    Column("host", String, nullable=False),
    Column("reason", Text, nullable=False),
    json("body"),
)

# Which ledger this is: a random id, made with the tables. It stands outside the chain, since it is there before the
# first event and nothing that was recorded rests on it; edited or gone, the stores that it keeps refuse this ledger.
identity = Table("identity", metadata, Column("id", String(32), primary_key=True))

# What ends of a row, by table; all else of it is written once. In the order in which an event's rows are hashed.
ENDINGS: dict[Table, tuple[str, ...]] = {
    acts: (),
    confirmations: ("ended_by",),
    decisions: ("ended_by",),
    drifts: (),
    intents: ("ended_by", "shows"),
    org_states: ("ended_by",),
    outcomes: (),
    planned_fixes: (),
    runs: (),
    sightings: ("ended_by", "last_seen", "last_no", "ended"),
    subscription_states: ("ended_by",),
}
