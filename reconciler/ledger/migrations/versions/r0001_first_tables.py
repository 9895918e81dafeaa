"""The first tables of the ledger."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table and index, and the ledger's own id."""
    _make_id_and_chain()
    op.create_table(
        "acts",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("os_user", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_acts_kind"), "acts", ["kind"], unique=False)
    op.create_index(op.f("ix_acts_subject"), "acts", ["subject"], unique=False)
    op.create_table(
        "confirmations",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("confirms", sa.String(), nullable=False),
        sa.Column("drift_id", sa.String(), nullable=False),
        sa.Column("config_sha256", sa.String(), nullable=False),
        sa.Column("first_seen", sa.String(length=27), nullable=False),
        sa.Column("first_no", sa.Integer(), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_confirmations_drift_id"), "confirmations", ["drift_id"], unique=False)
    op.create_index(op.f("ix_confirmations_ended_by"), "confirmations", ["ended_by"], unique=False)
    op.create_index(op.f("ix_confirmations_event"), "confirmations", ["event"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("drift_id", sa.String(), nullable=False),
        sa.Column("decided", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("primary", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blocked_by", sa.String(), nullable=True),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("confirms", sa.String(), nullable=False),
        sa.Column("waived_until", sa.String(length=27), nullable=True),
        sa.Column("drift", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_decisions_drift_id"), "decisions", ["drift_id"], unique=False)
    op.create_index(op.f("ix_decisions_ended_by"), "decisions", ["ended_by"], unique=False)
    op.create_index(op.f("ix_decisions_event"), "decisions", ["event"], unique=False)
    op.create_table(
        "drifts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_drifts_event"), "drifts", ["event"], unique=False)
    op.create_index(op.f("ix_drifts_org_id"), "drifts", ["org_id"], unique=False)
    op.create_table(
        "intents",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("drift_id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("arguments", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("expects", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("worth", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("shows", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_intents_at"), "intents", ["at"], unique=False)
    op.create_index(op.f("ix_intents_ended_by"), "intents", ["ended_by"], unique=False)
    op.create_index(op.f("ix_intents_event"), "intents", ["event"], unique=False)
    op.create_index(op.f("ix_intents_key"), "intents", ["key"], unique=False)
    op.create_index(op.f("ix_intents_org_id"), "intents", ["org_id"], unique=False)
    op.create_index(op.f("ix_intents_run_id"), "intents", ["run_id"], unique=False)
    op.create_table(
        "org_states",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("lago_id", sa.String(), nullable=True),
        sa.Column("stripe_id", sa.String(), nullable=True),
        sa.Column("since", sa.String(length=27), nullable=True),
        sa.Column("own_status", sa.Boolean(), nullable=False),
        sa.Column("own_tier", sa.Boolean(), nullable=False),
        sa.Column("tier_before", sa.String(), nullable=True),
        sa.Column("tier_changed_at", sa.String(length=27), nullable=True),
        sa.Column("before_own", sa.Boolean(), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_org_states_ended_by"), "org_states", ["ended_by"], unique=False)
    op.create_index(op.f("ix_org_states_event"), "org_states", ["event"], unique=False)
    op.create_index(op.f("ix_org_states_org_id"), "org_states", ["org_id"], unique=False)
    op.create_table(
        "planned_fixes",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("drift_id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("arguments", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("expects", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("worth", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("approval", sa.String(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index(op.f("ix_planned_fixes_event"), "planned_fixes", ["event"], unique=False)
    op.create_index(op.f("ix_planned_fixes_key"), "planned_fixes", ["key"], unique=False)
    op.create_index(op.f("ix_planned_fixes_org_id"), "planned_fixes", ["org_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.String(length=27), nullable=False),
        sa.Column("finished_at", sa.String(length=27), nullable=False),
        sa.Column("as_of", sa.String(length=27), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("config_sha256", sa.String(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("refusal_digest", sa.String(), nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("notes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("store", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("sources", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("totals", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("explained", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("plan_digest", sa.String(), nullable=False),
        sa.Column("refused_by", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("complete_no", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("decisions", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("fixes", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(op.f("ix_runs_complete_no"), "runs", ["complete_no"], unique=False)
    op.create_index(op.f("ix_runs_refusal_digest"), "runs", ["refusal_digest"], unique=False)
    op.create_index(op.f("ix_runs_started_at"), "runs", ["started_at"], unique=False)
    op.create_table(
        "sightings",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("drift_id", sa.String(), nullable=False),
        sa.Column("first_seen", sa.String(length=27), nullable=False),
        sa.Column("first_no", sa.Integer(), nullable=False),
        sa.Column("first_ever_seen", sa.String(length=27), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("last_seen", sa.String(length=27), nullable=True),
        sa.Column("last_no", sa.Integer(), nullable=True),
        sa.Column("ended", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_sightings_drift_id"), "sightings", ["drift_id"], unique=False)
    op.create_index(op.f("ix_sightings_ended_by"), "sightings", ["ended_by"], unique=False)
    op.create_index(op.f("ix_sightings_event"), "sightings", ["event"], unique=False)
    op.create_table(
        "subscription_states",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("since", sa.String(length=27), nullable=True),
        sa.Column("next_at", sa.String(length=27), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_subscription_states_ended_by"), "subscription_states", ["ended_by"], unique=False)
    op.create_index(op.f("ix_subscription_states_event"), "subscription_states", ["event"], unique=False)
    op.create_index(
        op.f("ix_subscription_states_subscription_id"), "subscription_states", ["subscription_id"], unique=False
    )
    op.create_table(
        "outcomes",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("drift_id", sa.String(), nullable=False),
        sa.Column("org_id", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("arguments", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("expects", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("worth", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("written", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.seq"]),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_outcomes_done", "outcomes", ["written", "at"], unique=False)
    op.create_index(op.f("ix_outcomes_key"), "outcomes", ["key"], unique=False)
    op.create_index(op.f("ix_outcomes_org_id"), "outcomes", ["org_id"], unique=False)
    op.create_index("ix_outcomes_result", "outcomes", ["result", "at"], unique=False)
    op.create_index(op.f("ix_outcomes_run"), "outcomes", ["run"], unique=False)


def _make_id_and_chain() -> None:
    identity = op.create_table("identity", sa.Column("id", sa.String(length=32), primary_key=True))
    op.bulk_insert(identity, [{"id": secrets.token_hex(16)}])
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"], unique=False)
