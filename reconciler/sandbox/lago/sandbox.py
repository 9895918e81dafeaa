"""The sandbox Lago itself: an organisation in memory, filled in process and answered for over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from werkzeug.wrappers import Request, Response

from reconciler.sandbox.lago import answers, lifecycle
from reconciler.sandbox.lago.handlers import Handlers
from reconciler.sandbox.lago.routes import BadJsonError, Router
from reconciler.sandbox.lago.seeding import World
from reconciler.sandbox.lago.store import Clock, Store
from reconciler.sandbox.server import LoopbackServer


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LagoSandbox(World):
    """A Lago v1.51.0 of one organisation without a licence.

    It makes no invoices and sends no webhooks: invoices are added. The same seed, clock and calls build the same world,
    ids included.
    """

    def __init__(
        self, *, api_key: str, clock: Clock = _utc_now, seed: int = 0, organization_name: str = "Sandbox"
    ) -> None:
        """Start empty and answer to `api_key` only."""
        store = Store(clock=clock, seed=seed)
        self._handlers = Handlers(store, name=organization_name)
        self._router = Router(self._handlers, api_key=api_key)
        super().__init__(store, prefix=self._handlers.prefix)

    @property
    def organization_id(self) -> str:
        """The `lago_id` of the organisation that the key belongs to."""
        return self._store.organization_id

    def application(self, request: Request) -> Response:
        """Answer one request as Lago would."""
        with self._running() as store:
            store.run_put_off()
            try:
                return answers.success(request, self._router.answer(request))
            except BadJsonError:
                return answers.bad_json(request)
            except answers.RefusedError as refused:
                return answers.refusal(request, refused)

    def serve(self, *, port: int = 0) -> LoopbackServer:
        """A started server on loopback; the caller closes it. The base URL of the API is its `url` + `/api/v1`."""
        return LoopbackServer(self.application, port=port)

    def set_clock(self, at: datetime | None) -> None:
        """Stop the server's clock at `at`; None lets it run again. Time alone starts no hourly job."""
        with self._running() as store:
            store.set_clock(at)

    def run_hourly_jobs(self, at: datetime | None = None) -> None:
        """Run the jobs once, as if it were `at`, by default now: ends, downgrades, starts, trials, overdue marks."""
        with self._running() as store:
            lifecycle.run_hourly_jobs(store, at or store.now())

    def set_stripe_reachable(self, *, reachable: bool) -> None:
        """Whether Lago can call Stripe; if not, changing a tied customer answers 500 and is kept all the same."""
        with self._running():
            self._handlers.stripe_reachable = reachable
