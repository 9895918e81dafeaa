"""The daemon: one loop that hears signals and finished passes, keeps its condition, and tells it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

import structlog

from reconciler.bootstrap.line import check_credentials
from reconciler.bootstrap.machine import VERSION, SystemClock
from reconciler.bootstrap.stores import last_complete_run
from reconciler.cycle.stopping import Stop
from reconciler.daemon.alarm import Alarm
from reconciler.daemon.attempt import Attempt, Part, attempt_pass
from reconciler.daemon.condition import Condition
from reconciler.daemon.metrics import CONTENT_TYPE, Metrics
from reconciler.daemon.rota import Rota
from reconciler.daemon.schedule import interval_of, make_trigger
from reconciler.daemon.systemd import ServiceManager
from reconciler.daemon.watch import ClockWatch
from reconciler.daemon.web import Page, Web
from reconciler.errors import ReconcilerError
from reconciler.logs import configure_logs, redact
from reconciler.settings import Settings

_log = structlog.get_logger()

_TURN_S = 1.0
_HUNG_S = 30.0  # a loop that has not turned for so long is not alive
_LONGEST_PASS_S = 3600.0  # reads and writes end long before by their own deadlines: a pass in hand for longer hangs
_PATIENCE_S = 17.0  # for what is being written when the daemon is to stop
_READING_S = 1.0  # for a pass that only reads, which may be dropped
_CLOSING_S = 5.0  # for one that has written, recorded and reported, until its files are closed
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


@dataclass(frozen=True, slots=True)
class _Nothing:
    """A turn without news, or a pass that was stopped."""


@dataclass(frozen=True, slots=True)
class _Skipped:
    """A beginning that fell into the pass before."""


_Heard = signal.Signals | Attempt | timedelta | _Skipped | _Nothing


class Daemon:
    """Runs passes until SIGTERM or SIGINT; SIGHUP reads the settings again, SIGUSR1 begins a pass at once.

    `load` gives the settings, or raises SettingsError: then the last good ones stay.
    """

    def __init__(self, load: Callable[[], Settings], environ: Mapping[str, str]) -> None:
        """Raises ReconcilerError where the settings, a key, the schedule or the address cannot be used."""
        self._load, self._environ, self._clock = load, environ, SystemClock()
        self._heard: SimpleQueue[_Heard] = SimpleQueue()
        self._manager = ServiceManager(environ)
        self._stop = Stop()
        self._alarm = Alarm(environ)
        self._in_hand: float | None = None
        self._again = False
        self._told = ""
        self._settings = load()
        check_credentials(self._settings, environ)
        self._turned_at = time.monotonic()
        schedule, zone = self._settings.schedule, self._settings.reports.timezone
        now = self._clock.now()
        self._rota = Rota(
            self._pass,
            make_trigger(schedule, zone, now),
            done=self._heard.put,
            late=self._heard.put,
            skipped=lambda: self._heard.put(_Skipped()),
            at_once=schedule.every is not None,
        )
        self._condition = self._begun(interval_of(schedule, zone, now), now)
        self._watch = ClockWatch(now, time.monotonic())
        metrics = Metrics(lambda: self._condition, version=VERSION)
        self._pages = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": lambda: Page(status=200, body=metrics.text(), content_type=CONTENT_TYPE),
        }
        self._web = Web(self._settings.http.listen, self._pages)

    def run(self) -> bool:
        """Go on until asked to stop; True where nothing is left behind that still runs.

        Only the main thread may call it, as it takes the signals.
        """
        with self._signals():
            self._rota.start()
            self._plan_next()
            _log.info(
                "daemon.started",
                version=VERSION,
                listen=self._web.address,
                config=self._settings.origin,
                config_sha256=self._settings.sha256,
            )
            self._manager.ready(self._condition.status())
            while True:
                heard = self._next()
                if heard is signal.SIGTERM or heard is signal.SIGINT:
                    break
                self._take(heard)
                self._turn()
            return self._end()

    # One turn of the loop

    def _next(self) -> _Heard:
        try:
            return self._heard.get(timeout=_TURN_S)
        except Empty:
            return _Nothing()

    def _take(self, heard: _Heard) -> None:
        match heard:
            case Attempt():
                self._settle(heard)
            case signal.SIGHUP:
                self._reload()
            case signal.SIGUSR1:
                _log.info("daemon.run_asked", in_hand=self._in_hand is not None)
                self._again = self._in_hand is not None
                if not self._again:
                    self._rota.no_later_than(self._clock.now())
            case timedelta():
                _log.warning("daemon.run_late", late_s=round(heard.total_seconds(), 1))
                self._count("late")
            case _Skipped():
                began = self._in_hand
                _log.warning("daemon.run_skipped", in_hand_s=round(time.monotonic() - began, 1) if began else None)
                self._count("skipped")
            case _Nothing() | signal.Signals():
                pass

    def _turn(self) -> None:
        jumped = self._watch.jumped(self._clock.now(), time.monotonic())
        if jumped:
            _log.warning("daemon.clock_jumped", by_s=round(jumped, 1))
            self._follow(self._settings)
        self._plan_next()
        self._turned_at = time.monotonic()
        if (
            self._turned_at - (self._in_hand or self._turned_at) < _LONGEST_PASS_S
            and self._rota.alive
            and self._web.alive
        ):
            self._manager.alive()

    def _plan_next(self) -> None:
        self._condition = replace(self._condition, next_run=self._rota.next_run)
        status = redact(self._condition.status())
        if status != self._told:
            self._told = status
            self._manager.status(status)

    # Passes

    def _pass(self) -> Attempt | _Nothing:
        """One pass, in the scheduler's thread."""
        self._in_hand = time.monotonic()
        try:
            attempt = attempt_pass(self._settings, self._environ, self._clock, self._stop)
            if attempt is None:
                return _Nothing()
            # Here and not in the loop, which no slow receiver may hold up.
            self._alarm.tell(attempt, self._condition.after(attempt, monotonic_s=0.0).troubles, self._settings)
            return attempt
        finally:
            self._in_hand = None

    def _settle(self, attempt: Attempt) -> None:
        before = self._condition
        self._condition = before.after(attempt, monotonic_s=time.monotonic())
        for part in Part:
            was, now = before.troubles.get(part), self._condition.troubles.get(part)
            if now is not None and was is None:
                _log.error("daemon.trouble", part=part.value, problem=now.problem)
            elif was is not None and now is None:
                lasted = (attempt.finished_at - was.since).total_seconds()
                _log.info("daemon.recovered", part=part.value, lasted_s=round(lasted, 1))
        wait = self._condition.retry_after
        if self._again:
            self._again = False
            self._rota.no_later_than(self._clock.now())
        elif wait is not None:
            self._rota.no_later_than(self._clock.now() + wait)

    def _count(self, why: str) -> None:
        irregular = self._condition.irregular
        self._condition = replace(self._condition, irregular={**irregular, why: irregular.get(why, 0) + 1})

    def _begun(self, interval: timedelta, now: datetime) -> Condition:
        """The condition to begin with: ready at once where the ledger holds a complete run that is young enough."""
        last = last_complete_run(self._settings, self._environ)
        sound = time.monotonic() - max(0.0, (now - last).total_seconds()) if last else None
        return Condition(interval=interval, last_complete=last, sound_at=sound)

    # Settings

    def _reload(self) -> None:
        self._manager.reloading()
        try:
            settings = self._load()
            check_credentials(settings, self._environ)
            self._follow(settings, only_if_changed=True)
            if settings.http.listen != self._settings.http.listen:
                web = Web(settings.http.listen, self._pages)
                self._web.close()
                self._web = web
        except ReconcilerError as error:
            self._condition = replace(self._condition, rejected_settings=error.problem)
            _log.error("daemon.reload_refused", problem=str(error), config_sha256=self._settings.sha256)
        else:
            self._settings = settings
            self._condition = replace(self._condition, rejected_settings="")
            configure_logs(settings.log.format, settings.log.level)
            _log.info(
                "daemon.reloaded",
                listen=self._web.address,
                config=settings.origin,
                config_sha256=settings.sha256,
            )
        self._plan_next()
        self._manager.ready(self._condition.status())

    def _follow(self, settings: Settings, *, only_if_changed: bool = False) -> None:
        schedule, zone, now = settings.schedule, settings.reports.timezone, self._clock.now()
        trigger, interval = make_trigger(schedule, zone, now), interval_of(schedule, zone, now)
        same = (schedule, zone) == (self._settings.schedule, self._settings.reports.timezone)
        if not (only_if_changed and same):
            self._rota.follow(trigger)
            self._condition = replace(self._condition, interval=interval)

    # The end

    def _end(self) -> bool:
        _log.info("daemon.stopping", in_hand=self._in_hand is not None, writing=self._stop.held)
        self._manager.stopping("Stopping: the organisation in hand is finished and recorded")
        self._rota.stop()
        self._stop.ask()
        latest = time.monotonic() + _PATIENCE_S
        until = time.monotonic() + _READING_S
        while self._in_hand is not None and time.monotonic() < min(until, latest):
            if self._stop.held:
                until = time.monotonic() + _CLOSING_S
            self._manager.alive()
            time.sleep(0.05)
        dropped = self._in_hand is not None
        self._web.close()
        _log.info("daemon.stopped", dropped_a_pass=dropped, writing=self._stop.held)
        return not dropped

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, lambda got, _: self._heard.put(signal.Signals(got))) for number in _SIGNALS
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # Pages; other threads make them, from values that are replaced whole

    def _healthz(self) -> Page:
        alive = time.monotonic() - self._turned_at < _HUNG_S and self._rota.alive
        return Page(status=200 if alive else 503, body=b"alive\n" if alive else b"the loop does not turn\n")

    def _readyz(self) -> Page:
        condition = self._condition
        ready = condition.ready(monotonic_s=time.monotonic())
        said = {
            "ready": ready,
            "last_complete_run": condition.last_complete.isoformat() if condition.last_complete else None,
            "consecutive_failures": condition.failures,
            "troubles": {part.value: redact(each.problem) for part, each in condition.troubles.items()},
        }
        return Page(
            status=200 if ready else 503, body=json.dumps(said).encode() + b"\n", content_type="application/json"
        )
