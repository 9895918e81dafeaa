"""Sends messages through Apprise; never fails whoever has something to say."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import apprise
import structlog
from apprise.attachment.memory import AttachMemory

from reconciler.notify.memory import Memory
from reconciler.notify.news import Attachment, Kind, Message

_log = structlog.get_logger()

_GRADES = {
    Kind.OUTAGE: apprise.NotifyType.WARNING,
    Kind.TROUBLE: apprise.NotifyType.FAILURE,
    Kind.BREAKER: apprise.NotifyType.FAILURE,
    Kind.STUCK: apprise.NotifyType.FAILURE,
    Kind.RESOLVED: apprise.NotifyType.SUCCESS,
}


class Post:
    """Receivers of messages, and what they were told."""

    def __init__(self, urls: Sequence[str], memory: Memory) -> None:
        """`urls` are Apprise's. Nothing is sent yet."""
        self._urls, self._memory = tuple(urls), memory

    def send(self, messages: Iterable[Message]) -> None:
        """Send them in their order. Raises nothing: what is not taken stops the rest and is not remembered as told."""
        try:
            self._send(messages)
        except Exception as error:  # noqa: BLE001 -- no word to anybody is worth a run; Apprise's plugins raise anything
            _log.error("notify.failed", reason=type(error).__name__)

    def _send(self, messages: Iterable[Message]) -> None:
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would name the addresses; we say what failed
        receivers = apprise.Apprise()
        unusable = sum(not receivers.add(url) for url in self._urls)
        if unusable:
            _log.error("notify.failed", reason=f"{unusable} of [notify] urls are no address that Apprise knows")
        if not len(receivers):
            return
        for message in messages:
            if not receivers.notify(
                title=message.title,
                body=message.body or message.title,
                notify_type=_GRADES.get(message.kind, apprise.NotifyType.INFO),
                body_format=apprise.NotifyFormat.TEXT,
                attach=_attached(message.attachment),
            ):
                _log.error("notify.failed", reason="a receiver did not take it", kind=message.kind.value)
                return  # the next time all that is left is tried again
            _log.info("notify.sent", kind=message.kind.value)
            self._memory.keep(message.told(self._memory.told()))  # after each, so that a crash repeats one at most


def _attached(attachment: Attachment | None) -> apprise.AppriseAttachment | None:
    if attachment is None:
        return None
    files = apprise.AppriseAttachment()
    files.add(AttachMemory(content=attachment.content(), name=attachment.name))  # type: ignore[no-untyped-call]  # theirs
    return files
