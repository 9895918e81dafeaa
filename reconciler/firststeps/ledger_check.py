"""Looks whether a pass can keep its history where the settings say, without making anything there."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.firststeps.checked import Checked, Verdict, good

_SUBJECT = "Ledger"
_SQLITE = "sqlite:///"


def check_ledger(url: str, *, user: str) -> Checked:
    """The ledger's line; only a file can be looked at without opening it."""
    if not url.startswith(_SQLITE):
        return good(_SUBJECT, "It is a database server's; a pass says whether it can be opened")
    file = Path(url.removeprefix(_SQLITE))
    there = next(place for place in (file, *file.absolute().parents) if place.exists())
    if os.access(there, os.W_OK):
        return good(_SUBJECT, f"{user} may write {file}")
    return Checked(
        verdict=Verdict.STOPS,
        subject=_SUBJECT,
        text=f"{user} may not write {there}, so {file} cannot be kept",
        remedy="Set STATE_DIRECTORY to a folder of this user, or [ledger] url",
    )
