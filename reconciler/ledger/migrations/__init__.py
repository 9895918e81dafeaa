"""The ledger's tables through its versions, by Alembic."""
