"""Brings together what `config init` and `doctor` look at, from the command line's words and from the settings."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from pydantic import ValidationError

from reconciler.billing.stripe_catalog import is_live
from reconciler.bootstrap.machine import SystemClock
from reconciler.bootstrap.sources import open_side
from reconciler.bootstrap.stores import ledger_url, read_store
from reconciler.errors import UsageError
from reconciler.firststeps.doctor import Patient
from reconciler.firststeps.draft import Asked, Draft, make_draft
from reconciler.model.billing import Source
from reconciler.settings import Settings, read_credential
from reconciler.settings.problems import problems_of


def patient_of(settings: Settings, environ: Mapping[str, str]) -> Patient:
    """Everything that the doctor examines; nothing is opened yet."""
    configured = [source for source in Source if getattr(settings, source.value) is not None]
    uid = os.geteuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user without a name
        user = str(uid)
    return Patient(
        folder=settings.orgs.folder,
        read_store=partial(read_store, settings),
        sides={source: partial(open_side, source, settings, environ) for source in configured},
        catalog=settings.terms().catalog,
        mode=settings.policy.mode,
        ledger_url=ledger_url(settings, environ),
        user=user,
        now=SystemClock().now(),
    )


def draft_from(asked: Asked, environ: Mapping[str, str]) -> Draft:
    """A draft of the configuration from what was asked for; the mode is that of the Stripe key.

    Raises UsageError for a place or address that cannot be one, SetupError, StoreError or SourceUnavailableError.
    """
    settings = _settings_to_read(asked, environ)
    store = read_store(settings)
    with ExitStack() as stack:
        return make_draft(
            asked,
            store=store,
            sides={source: stack.enter_context(open_side(source, settings, environ)) for source in asked.urls},
            livemode=settings.billing.livemode,
            now=SystemClock().now(),
        )


def _settings_to_read(asked: Asked, environ: Mapping[str, str]) -> Settings:
    """Just enough to read with, before there is a configuration."""
    livemode = Source.STRIPE not in asked.urls or is_live(read_credential("STRIPE_API_KEY", environ).get_secret_value())
    try:
        return Settings.model_validate(
            {
                "orgs": {"store": f"json:{asked.store}"},
                "billing": {"authority": "either", "livemode": livemode},
                **{source.value: {"url": url} for source, url in asked.urls.items()},
                "tiers": {},
                "statuses": {"unpaid_tier": "none yet"},
            }
        )
    except ValidationError as error:
        problem = problems_of(error.errors(include_url=False), Settings)[0]
        raise UsageError(problem.line(), not_done="Nothing was read or written", remedy="Correct it") from None
