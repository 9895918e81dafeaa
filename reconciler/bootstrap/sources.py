"""Opens Lago and Stripe: for reading them whole, for single questions, and over answers that were kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import structlog

from reconciler.billing.asking import Retry, RetryListener
from reconciler.billing.lago_catalog import LagoCatalog
from reconciler.billing.lago_source import LagoSource
from reconciler.billing.network import Asking, Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_catalog import StripeCatalog
from reconciler.billing.stripe_source import StripeSource
from reconciler.bootstrap.machine import SystemClock, secret
from reconciler.cycle.line import UNWATCHED
from reconciler.firststeps.needs import Side
from reconciler.kept.stand_ins import KeepingSource
from reconciler.kept.writing import SnapshotWriter
from reconciler.model.billing import Source
from reconciler.ports import BillingSource, Clock, Watcher
from reconciler.settings import Settings

_log = structlog.get_logger()


def say_retry(retry: Retry) -> None:
    """Log a request that is sent again."""
    _log.warning("source.retry", source=retry.source.value, attempt=retry.attempt, reason=retry.reason)


@contextmanager
def open_sides(settings: Settings, environ: Mapping[str, str]) -> Iterator[Mapping[Source, BillingSource]]:
    """Every configured side, to ask it single questions. Raises SetupError for a key that cannot be right."""
    with ExitStack() as stack:
        yield open_sources(settings, environ, stack)


@contextmanager
def open_side(source: Source, settings: Settings, environ: Mapping[str, str]) -> Iterator[Side]:
    """One configured side for the questions of the first day; raises SetupError for a key that cannot be right."""
    other = "stripe" if source is Source.LAGO else "lago"
    with ExitStack() as stack:
        billing = open_sources(settings.model_copy(update={other: None}), environ, stack)[source]
        catalog = _open_catalog(source, settings, environ)
        stack.callback(catalog.close)
        yield Side(catalog=catalog, billing=billing)


def open_sources(
    settings: Settings,
    environ: Mapping[str, str],
    stack: ExitStack,
    *,
    on_retry: RetryListener = say_retry,
    keeper: SnapshotWriter | None = None,
    watcher: Watcher = UNWATCHED,
) -> dict[Source, BillingSource]:
    """Every configured side, closed with `stack`; what is read is kept by `keeper`. Raises SetupError."""
    sources: dict[Source, BillingSource] = {}
    for name in Source:
        configured = settings.lago if name is Source.LAGO else settings.stripe
        if configured is None:
            continue
        kept = keeper.source(name) if keeper is not None else None
        network = Network(name, RateBudget(configured.max_requests_per_s), on_retry=on_retry, keeper=kept)
        key = secret(f"{name.value.upper()}_API_KEY", environ)
        source = source_over(name, settings, key=key, clock=SystemClock(), asking=network, watcher=watcher)
        stack.callback(source.close)
        sources[name] = source if kept is None else KeepingSource(source, kept)
    return sources


def source_over(
    name: Source, settings: Settings, *, key: str, clock: Clock, asking: Asking, watcher: Watcher = UNWATCHED
) -> LagoSource | StripeSource:
    """One configured side that gets its answers through `asking`: the network, or what was kept of it."""
    on_page = partial(watcher.page, name)
    if name is Source.LAGO and settings.lago is not None:
        return LagoSource(url=settings.lago.url, api_key=key, clock=clock, asking=asking, on_page=on_page)
    if name is Source.STRIPE and settings.stripe is not None:
        return StripeSource(
            url=settings.stripe.url,
            api_key=key,
            livemode=settings.billing.livemode,
            account=settings.stripe.account,
            metadata_org_key=settings.stripe.metadata_org_key,
            clock=clock,
            asking=asking,
            on_page=on_page,
        )
    raise KeyError(name)


def _open_catalog(source: Source, settings: Settings, environ: Mapping[str, str]) -> LagoCatalog | StripeCatalog:
    if source is Source.LAGO and settings.lago is not None:
        return LagoCatalog(
            url=settings.lago.url,
            api_key=secret("LAGO_API_KEY", environ),
            clock=SystemClock(),
            max_requests_per_s=settings.lago.max_requests_per_s,
        )
    if source is Source.STRIPE and settings.stripe is not None:
        return StripeCatalog(
            url=settings.stripe.url,
            api_key=secret("STRIPE_API_KEY", environ),
            livemode=settings.billing.livemode,
            account=settings.stripe.account,
            clock=SystemClock(),
            max_requests_per_s=settings.stripe.max_requests_per_s,
        )
    raise KeyError(source)
