"""Every revision of the ledger's tables."""
