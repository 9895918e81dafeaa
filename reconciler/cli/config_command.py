"""`reconcile config`: draft a configuration, or look at the one there is; no pass is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from reconciler.billing.stripe_lists import API_URL
from reconciler.bootstrap.line import check_credentials
from reconciler.cli.called import called
from reconciler.cli.first_day import draft_from
from reconciler.cli.ledger_access import say
from reconciler.errors import CredentialError
from reconciler.firststeps.draft import Asked
from reconciler.firststeps.draft_toml import draft_toml
from reconciler.firststeps.drafted import drafted
from reconciler.firststeps.new_file import refuse_existing, write_new
from reconciler.logs import configure_logs
from reconciler.model.billing import Source
from reconciler.model.run import RunMode
from reconciler.reports.words import MODES
from reconciler.settings import Settings, load_settings, read_credential

config_app = typer.Typer(help="Draft the configuration, or look at it.", rich_markup_mode=None)
_Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")]


@config_app.command()
def init(
    store: Annotated[Path, typer.Option("--store", metavar="PATH", help="The folder with organizations.json.")],
    lago: Annotated[str | None, typer.Option("--lago", metavar="URL", help="Read Lago, at this address.")] = None,
    stripe: Annotated[bool, typer.Option("--stripe", help="Read Stripe.")] = False,
    stripe_url: Annotated[
        str | None, typer.Option("--stripe-url", metavar="URL", help="Read Stripe, at another address than its own.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="What to write; never over a file.")] = Path(
        "reconciler.toml"
    ),
) -> int:
    """Draft a configuration from the store and from what Lago and Stripe sell; both are only read.

    The keys come from LAGO_API_KEY and STRIPE_API_KEY, or from the files that LAGO_API_KEY_FILE and
    STRIPE_API_KEY_FILE name.
    """
    urls = {Source.LAGO: lago, Source.STRIPE: stripe_url or (API_URL if stripe else None)}
    asked = Asked(store=_folder(store), urls={source: url for source, url in urls.items() if url is not None})
    if not asked.urls:
        raise typer.BadParameter("say what to read: --lago URL, --stripe or both")
    refuse_existing(output)
    configure_logs("auto", "warning")
    _raise_all_wrong(asked.urls, lambda source: read_credential(f"{source.upper()}_API_KEY", os.environ))
    sys.stderr.write("Reading the store and what is billed; a large account takes minutes.\n")
    draft = draft_from(asked, os.environ)
    write_new(output, draft_toml(draft), check=lambda file: load_settings(file, {}))
    sys.stdout.write(drafted(draft, output.absolute(), command=called()))
    return 0


@config_app.command()
def check(config: _Config = None) -> int:
    """Say whether the configuration and the keys can be used as they are; nothing is read from Lago or Stripe."""
    settings = load_settings(config, os.environ)
    _raise_all_wrong(Source, partial(_check_key, settings))
    reads = [f"{source} at {side.url}" for source in Source if (side := getattr(settings, source.value)) is not None]
    say(f"{settings.origin} can be used: {len(settings.tiers)} tiers, authority {settings.billing.authority}.")
    say(f"It reads {', '.join([f'organisations at {settings.orgs.store}', *reads])}.")
    say(f"Its passes run in {MODES[RunMode(settings.policy.mode.value)]}; --dry-run never writes.")
    return 0


@config_app.command()
def show(config: _Config = None) -> int:
    """Print the configuration as it takes effect, with the environment counted in; never a secret."""
    sys.stdout.write(load_settings(config, os.environ).show())
    return 0


def _raise_all_wrong(sources: Iterable[Source], check: Callable[[Source], object]) -> None:
    """Raise one CredentialError for everything that `check` finds wrong with the keys of `sources`."""
    wrong: list[CredentialError] = []
    for source in sources:
        try:
            check(source)
        except CredentialError as error:
            wrong.append(error)
    if wrong:
        problems, remedies = ([getattr(each, part) for each in wrong] for part in ("problem", "remedy"))
        raise CredentialError(". ".join(problems), remedy=". ".join(remedies))


def _check_key(settings: Settings, source: Source) -> None:
    others = {each.value: None for each in Source if each is not source}
    check_credentials(settings.model_copy(update=others), os.environ)


def _folder(store: Path) -> Path:
    """The folder, whether it was named itself, by its file, or as the configuration does."""
    named = Path(str(store).removeprefix("json:")).absolute()
    return named.parent if named.name == "organizations.json" and not named.is_dir() else named
