"""The history of runs, kept with SQLAlchemy in one SQLite file."""
