"""What `reconcile --help` says below the options: the exit codes and where the configuration is looked for."""

from __future__ import annotations

from reconciler.reports.words import EXIT_CODES
from reconciler.settings.reading import FILE_VARIABLE, PLACES

_AS_IS = "\b"  # Click wraps a paragraph unless it begins with this


def epilog() -> str:
    """Two tables, made from what the command itself goes by."""
    codes = (f"  {code:>2}  {meaning.rstrip('.')}" for code, meaning in sorted(EXIT_CODES.items()))
    places = (f"--config, else ${FILE_VARIABLE}, else the first of", *(str(place) for place in PLACES))
    return "\n".join((_AS_IS, "Exit codes:", *codes, "", _AS_IS, "Configuration:", *(f"  {place}" for place in places)))
