"""The JSON report as bytes, safe to show on a terminal and the same for the same run."""

from __future__ import annotations

import json

from reconciler.model.run import RunRecord
from reconciler.reports.document import document
from reconciler.reports.safe_text import is_unsafe


def json_report(run: RunRecord) -> bytes:
    """UTF-8, indented by two, ending with a newline; a JSON reader gets names back exactly, e-mail addresses apart.

    Letters of every script stand as they are; what could act on a terminal or cannot be encoded stands as its escape.
    """
    text = json.dumps(document(run), ensure_ascii=False, allow_nan=False, indent=2)
    if not text.isascii():
        text = "".join(_json_escape(each) if not each.isascii() and is_unsafe(each) else each for each in text)
    return text.replace("\x7f", "\\u007f").encode() + b"\n"


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1]
