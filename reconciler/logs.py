"""Logging: events with constant names and fields, to standard error, with everything secret or personal taken out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import stamina.instrumentation
import structlog
from structlog.types import EventDict, Processor

_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_KEY = re.compile(r"\b(?:[srp]k_(?:live|test)|whsec)_[A-Za-z0-9_]+")
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_DIGITS = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_GONE = "[redacted]"

_secrets: set[str] = set()


def hide(secret: str) -> None:
    """Take this exact value out of everything that is logged or said from now on."""
    if secret:
        _secrets.add(secret)


def redact(text: str) -> str:
    """`text` without keys, e-mail addresses, card numbers and the values given to `hide`."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, _GONE)
    text = _URL_LOGIN.sub(_GONE, text)
    text = _EMAIL.sub(_GONE, text)
    text = _KEY.sub(_GONE, text)
    text = _AUTHORIZATION.sub(rf"\1 {_GONE}", text)
    return _DIGITS.sub(lambda found: _GONE if _is_card(found[0]) else found[0], text)


def redact_event(_: Any, __: str, event: EventDict) -> EventDict:
    """A structlog processor that redacts every text in an event, at any depth, keys of mappings included."""
    return {redact(str(key)): _redacted(value) for key, value in event.items()}


def configure_logs(
    form: Literal["auto", "console", "json"] = "auto", level: str = "info", stream: TextIO | None = None
) -> None:
    """Send the product's own events and those of the libraries through one pipeline to `stream`, standard error.

    `auto` is for people on a terminal and JSON, one object a line, elsewhere. The libraries are heard from warnings on.
    """
    to = stream or sys.stderr
    console = form == "console" or (form == "auto" and to.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=to.isatty()) if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(to)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact_event, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("reconciler").setLevel(level.upper())
    stamina.instrumentation.set_on_retry_hooks([])  # our own source.retry says it


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): _redacted(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def _is_card(digits: str) -> bool:
    """Whether the digits pass the check that every card number passes (Luhn, ISO/IEC 7812-1)."""
    numbers = [int(digit) for digit in reversed(digits) if digit.isdigit()]
    return sum(sum(divmod(2 * n, 10)) if place % 2 else n for place, n in enumerate(numbers)) % 10 == 0
