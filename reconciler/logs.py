"""Logging: events with constant names and fields, to standard error, with everything secret or personal taken out."""

from __future__ import annotations

import logging
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Literal, TextIO
from urllib.parse import quote

import stamina.instrumentation
import structlog
from structlog.types import EventDict, Processor

from reconciler.model.private import GONE, without_email


class Event(StrEnum):
    """Names of the events that others may watch for (docs: log events); public and stable."""

    RUN_STARTED = "run.started"
    SOURCE_READ = "source.read"
    SOURCE_RETRY = "source.retry"
    SOURCE_INCOMPLETE = "source.incomplete"
    DRIFT_FOUND = "drift.found"
    DRIFT_RESOLVED = "drift.resolved"
    FIX_APPLIED = "fix.applied"
    FIX_STALE = "fix.stale"
    FIX_FAILED = "fix.failed"
    PLAN_REFUSED = "plan.refused"
    RUN_FINISHED = "run.finished"
    RUN_STOPPED = "run.stopped"
    NOTIFY_SENT = "notify.sent"
    NOTIFY_FAILED = "notify.failed"
    DAEMON_STARTED = "daemon.started"
    DAEMON_NOT_STARTED = "daemon.not_started"
    DAEMON_RELOADED = "daemon.reloaded"
    DAEMON_RELOAD_REFUSED = "daemon.reload_refused"
    DAEMON_RUN_ASKED = "daemon.run_asked"
    DAEMON_RUN_LATE = "daemon.run_late"
    DAEMON_RUN_SKIPPED = "daemon.run_skipped"
    DAEMON_CLOCK_JUMPED = "daemon.clock_jumped"
    DAEMON_TROUBLE = "daemon.trouble"
    DAEMON_RECOVERED = "daemon.recovered"
    DAEMON_BUG = "daemon.bug"
    DAEMON_STOPPING = "daemon.stopping"
    DAEMON_STOPPED = "daemon.stopped"
    LEDGER_RECORDED = "ledger.recorded"
    LEDGER_HEAD_NOT_KEPT = "ledger.head_not_kept"
    LEDGER_NOT_PRUNED = "ledger.not_pruned"
    STORE_RECOVERED = "store.recovered"
    STORE_FOREIGN_WRITER = "store.foreign_writer"
    STORE_NOT_MARKED = "store.not_marked"


_URL_LOGIN = re.compile(r"""(?<=://)[^/?#\s"'<>]*@""")
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:[srp]k_(?:live|test)_[\w*]*|[sr]k_(?=[\w*]{0,64}\d)[\w*]{10,}|whsec_[\w+/=-]+|xox[abeoprs]-[\w-]+)"
)
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=*-]{6,}", re.IGNORECASE)
_NAMED = re.compile(
    r"""((?:api[_-]?key|passw(?:or)?d|secret|token|authorization)(?:["']\s*:|["']?\s*=)\s*["']?)[^\s&"',;)}\]]+""",
    re.IGNORECASE,
)
# Digests and UUIDs come first so that they are kept whole; then runs of digits, maybe in groups.
_DIGITS = re.compile(
    r"(?P<keep>[0-9a-f]{32,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})|(?<!\d)\d+(?:[ \u00a0-]\d+)*", re.IGNORECASE
)
_CARD_DIGITS = range(13, 20)
_CARD_START = re.compile(r"2[2-7]|[3-6]")  # the ranges that card schemes give out; years and epoch seconds begin lower
_SHORTEST_SECRET = 6  # a shorter one would take ordinary words apart
_DEEPEST = 12

# sd-daemon(3): journald takes a line's priority from such a beginning.
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}

_secrets: set[str] = set()


def hide(secret: str) -> None:
    """Take this exact value out of everything that is logged or said from now on, in its escaped spellings too."""
    if len(secret) >= _SHORTEST_SECRET:
        _secrets.update({secret, quote(secret, safe=""), secret.encode("unicode_escape").decode()})


def redact(text: str) -> str:
    """`text` without keys, passwords, e-mail addresses, card numbers and the values given to `hide`."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, GONE)
    text = _URL_LOGIN.sub(f"{GONE}@", text)
    text = without_email(text)
    text = _KEY.sub(GONE, text)
    text = _TOKEN.sub(GONE, text)
    text = _AUTHORIZATION.sub(rf"\1 {GONE}", text)
    text = _NAMED.sub(rf"\1{GONE}", text)
    return _DIGITS.sub(_without_cards, text)


def redact_event(_: Any, __: str, event: EventDict) -> EventDict:
    """A structlog processor that redacts every text in an event, at any depth, keys of mappings included."""
    return {redact(str(key)): _redacted(value) for key, value in event.items()}


def configure_logs(
    form: Literal["auto", "console", "json"] = "auto", level: str = "info", stream: TextIO | None = None
) -> None:
    """Send the product's own events and those of the libraries through one pipeline to `stream`, standard error.

    `auto` is for people on a terminal and JSON, one object a line, elsewhere; to journald each line begins with its
    priority. The libraries are heard from warnings on: below that, httpx tells whole addresses. May be called again;
    the last call holds.
    """
    to = stream or sys.stderr
    lowest = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(to)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact_event, _last(form, to)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]  # another one would write what nothing was taken out of
    root.setLevel(max(lowest, logging.WARNING))
    logging.getLogger("reconciler").setLevel(lowest)
    stamina.instrumentation.set_on_retry_hooks([])  # our own source.retry says it


def _last(form: str, to: TextIO) -> Processor:
    renderer: Processor = structlog.processors.JSONRenderer()
    if form == "console" or (form == "auto" and to.isatty()):
        renderer = structlog.dev.ConsoleRenderer(
            colors=to.isatty() and not os.environ.get("NO_COLOR"),
            exception_formatter=structlog.dev.plain_traceback,  # exceptions come as text by then, redacted
        )
    return _with_priority(renderer) if _goes_to_journald(to) else renderer


def _goes_to_journald(to: TextIO) -> bool:
    """Whether the file beneath `to` is the one that systemd.exec(5) names by JOURNAL_STREAM."""
    try:
        beneath = os.fstat(to.fileno())
    except (OSError, ValueError):  # there is none
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{beneath.st_dev}:{beneath.st_ino}"


def _with_priority(renderer: Processor) -> Processor:
    def rendered(logger: Any, name: str, event: EventDict) -> str:
        priority = _PRIORITIES.get(str(event.get("level")), _PRIORITIES["info"])
        return f"<{priority}>{renderer(logger, name, event)!s}"

    return rendered


def _redacted(value: Any, depth: int = 0) -> Any:
    deep = depth >= _DEEPEST
    match value:
        case None | bool() | int():
            clean: Any = value
        case float() if math.isfinite(value):
            clean = value
        case Mapping() if not deep:
            clean = {redact(str(key)): _redacted(inner, depth + 1) for key, inner in value.items()}
        case list() | tuple() if not deep:
            clean = [_redacted(inner, depth + 1) for inner in value]
        case set() | frozenset() if not deep:
            clean = [_redacted(inner, depth + 1) for inner in sorted(value, key=str)]
        case date():
            clean = value.isoformat()
        case _:
            clean = redact(str(value))
    return clean


def _without_cards(found: re.Match[str]) -> str:
    """The digits of one run, each card number in it taken out: a card begins and ends where a group of digits does."""
    text = found[0]
    if found["keep"]:
        return text
    kept = ""
    rest = 0
    for start, end in _cards(text):
        if start >= rest:
            kept, rest = f"{kept}{text[rest:start]}{GONE}", end
    return kept + text[rest:]


def _cards(text: str) -> Iterator[tuple[int, int]]:
    groups = [(group.start(), group.end()) for group in re.finditer(r"\d+", text)]
    for first, (start, _) in enumerate(groups):
        if _CARD_START.match(text, start) is None:
            continue
        length = 0
        for begin, end in groups[first:]:
            length += end - begin
            if length >= _CARD_DIGITS.stop:
                break
            if length in _CARD_DIGITS and _passes_luhn(text[start:end]):
                yield start, end
                break


def _passes_luhn(digits: str) -> bool:
    """Whether the digits pass the check that every card number passes (ISO/IEC 7812-1)."""
    numbers = [int(digit) for digit in reversed(digits) if digit.isdigit()]
    return sum(sum(divmod(2 * n, 10)) if place % 2 else n for place, n in enumerate(numbers)) % 10 == 0
