"""The sandbox Stripe: one account to seed in process and to serve over HTTP on loopback."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from werkzeug.wrappers import Request, Response

from reconciler.sandbox.server import LoopbackServer
from reconciler.sandbox.stripe.application import StripeApplication
from reconciler.sandbox.stripe.invoice_seeding import InvoiceSeeding
from reconciler.sandbox.stripe.keys import Keys


class StripeSandbox(InvoiceSeeding):
    """One Stripe account; its mode, and so every object's `livemode`, is what `api_key` says: sk_live_ or sk_test_."""

    def __init__(
        self,
        *,
        api_key: str = "sk_test_sandbox",
        restricted_keys: Mapping[str, Collection[str]] | None = None,
        account: str = "acct_sandbox",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Start an empty account; `restricted_keys` maps rk_ keys to permissions such as `rak_subscription_read`."""
        keys = Keys(secret=api_key, restricted=restricted_keys or {}, account=account)
        super().__init__(livemode=keys.livemode, clock=clock)
        self._application = StripeApplication(self, keys)

    def application(self, request: Request) -> Response:
        """Answer one request."""
        return self._application(request)

    def serve(self, *, port: int = 0) -> LoopbackServer:
        """Serve on 127.0.0.1; the server is started, and is the caller's to close."""
        return LoopbackServer(self.application, port=port)
