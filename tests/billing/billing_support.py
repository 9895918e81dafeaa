"""What tests of the billing sources share: a clock that stands, retries without waits, sources on a loopback URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.billing.asking import RetryListener, RetryPolicy, unheard
from reconciler.billing.lago_source import LagoSource
from reconciler.billing.network import Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_source import StripeSource
from reconciler.model.billing import Source
from reconciler.sandbox.lago import LagoSandbox
from reconciler.sandbox.server import Break, LoopbackServer
from reconciler.sandbox.stripe import StripeSandbox

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LAGO_KEY = "6f3c4cde-0a3e-4a0e-9a39-5a3b6d3e9a10"
STRIPE_KEY = "sk_test_sandbox"
QUICK = RetryPolicy(attempts=3, first_wait_s=0, longest_wait_s=0, jitter_s=0)

# Every way in which an answer can go wrong and be right a moment later; a hang outlasts the sources' time out below.
PASSING_FAULTS: dict[str, dict[str, Any]] = {
    "429": {"status": 429, "body": "{}"},
    "429 that says when": {"status": 429, "body": "{}", "headers": {"Retry-After": "0"}},
    "409 lock": {"status": 409, "body": "{}"},
    "500": {"status": 500, "body": '{"status":500,"error":"Internal Server Error"}'},
    "502 with HTML": {"status": 502, "body": "<html>Bad Gateway</html>", "content_type": "text/html"},
    "reset": {"breaks": Break.RESET},
    "cut": {"breaks": Break.CUT},
    "hang": {"breaks": Break.HANG, "delay_s": 1.5},
    "other JSON": {"status": 200, "body": '{"hello":"world"}'},
    "HTML": {"status": 200, "body": "<html>Maintenance</html>", "content_type": "text/html"},
    "nothing": {"status": 200, "body": ""},
}
READ_TIMEOUT_S = 0.6  # a busy machine must not look like a hang
SHARED = Path(__file__).parents[3] / "shared"


@dataclass(frozen=True)
class StandingClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


def lago_sandbox(*, clock: Callable[[], datetime] = StandingClock().now) -> LagoSandbox:
    """A Lago with plans in two currencies, paid monthly in advance, and no customers."""
    lago = LagoSandbox(api_key=LAGO_KEY, clock=clock)
    lago.add_plan("professional", amount_cents=9900)
    lago.add_plan("professional_eur", amount_cents=8900, currency="EUR")
    return lago


def network(
    source: Source,
    *,
    budget: RateBudget | None = None,
    retry: RetryPolicy = QUICK,
    on_retry: RetryListener = unheard,
) -> Network:
    """What a source gets its answers from, as fast as it can."""
    return Network(source, budget or RateBudget(1e6), policy=retry, on_retry=on_retry)


@contextmanager
def lago_source(server: LoopbackServer | str, **changes: Any) -> Iterator[LagoSource]:
    url = server if isinstance(server, str) else server.url
    arguments: dict[str, Any] = {
        "url": url,
        "api_key": LAGO_KEY,
        "clock": StandingClock(),
        "asking": network(Source.LAGO),
    }
    with LagoSource(**(arguments | changes)) as source:
        yield source


def stripe_sandbox() -> StripeSandbox:
    return StripeSandbox(api_key=STRIPE_KEY, clock=StandingClock().now)


@contextmanager
def stripe_source(server: LoopbackServer | str, **changes: Any) -> Iterator[StripeSource]:
    url = server if isinstance(server, str) else server.url
    arguments: dict[str, Any] = {
        "url": url,
        "api_key": STRIPE_KEY,
        "livemode": False,
        "clock": StandingClock(),
        "asking": network(Source.STRIPE),
    }
    with StripeSource(**(arguments | changes)) as source:
        yield source
