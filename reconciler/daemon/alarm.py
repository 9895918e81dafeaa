"""Tells people of a daemon that makes no run, since the messages of a run cannot."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from reconciler.bootstrap.telling import alarm_memory
from reconciler.daemon.attempt import Attempt, Part
from reconciler.daemon.condition import Trouble
from reconciler.errors import ReconcilerError
from reconciler.notify.troubles import LastingTrouble, trouble_news
from reconciler.outbox import make_post
from reconciler.settings import Settings

_log = structlog.get_logger()

_TOLD_BY_RUNS = frozenset({Part.LAGO, Part.STRIPE, Part.FIXES, Part.LIMITS})


class Alarm:
    """One message when a trouble has lasted for `[notify] after`, one when a pass judges again and nothing is left."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Nothing is sent yet."""
        self._environ = environ
        self._memory = alarm_memory(environ)

    def tell(self, attempt: Attempt, troubles: Mapping[Part, Trouble], settings: Settings) -> None:
        """After `attempt`, which left `troubles`. Raises nothing; what is not taken is sent after the next one."""
        if not settings.notify.urls:
            return
        lasting = [
            LastingTrouble(part=part.value, problem=each.problem, since=each.since)
            for part, each in troubles.items()
            if part not in _TOLD_BY_RUNS
        ]
        try:
            due = tuple(
                trouble_news(
                    lasting,
                    self._memory.told(),
                    at=attempt.finished_at,
                    after=settings.notify.after,
                    judged=attempt.run is not None,
                )
            )
            if due:
                make_post(settings, self._environ, self._memory).send(due)
        except (ReconcilerError, OSError) as error:
            _log.error("notify.failed", reason=type(error).__name__)
