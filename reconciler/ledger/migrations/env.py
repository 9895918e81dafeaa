"""Alembic runs this file to migrate; the connection, with its transaction, is given by upgrade.py."""

from __future__ import annotations

from alembic import context

from reconciler.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
