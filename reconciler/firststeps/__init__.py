"""The first day: a configuration drafted from what is there, and a doctor who says what would go wrong."""
