"""`reconcile demo`: a Lago, a Stripe and a store on this machine, with drift in them, and three passes over it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.called import called, near
from reconciler.cli.demo_folder import demo_folder
from reconciler.cli.pass_command import PassArguments, run_one_pass
from reconciler.reports.terminal import Verbosity
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, SeededBusiness, build_business

_FOLDER = Path("demo")
_LINE = "=" * 78


def demo(
    orgs: Annotated[
        int, typer.Option("--orgs", min=60, max=20_000, metavar="N", help="Organisations in the store.")
    ] = 200,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where store, settings and reports go.")
    ] = _FOLDER,
    serve: Annotated[bool, typer.Option("--serve", help="Only start it, and keep it up to try commands on.")] = False,
) -> int:
    """Show the whole product on this machine: nothing to configure, nothing leaves loopback."""
    seeded = build_business(organisations=orgs, now=datetime.now(UTC).replace(microsecond=0))
    with demo_folder(folder) as made:
        seeded.business.write_store(made / "store")
        with _serving(seeded, made) as environ:
            config = made / "reconciler.toml"
            if serve:
                return _wait(config, environ)
            left = _three_passes(config, environ)
    _heading("The end of the demo")
    _say(
        f"The last pass ended with exit code {left}: its plan is empty, and what remains",
        "are flags, which need a person. The first report above and the files below say",
        "under each what to do. A script that only wants to know whether anything broke",
        "can pass --exit-zero-on-drift. The demo itself ends with 0.",
        "",
        f"Store:    {near(made / 'store' / 'organizations.json')}",
        f"Settings: {near(config)}",
        f"Reports:  {near(made / 'state' / 'reports')}",
        f"Ledger:   {near(made / 'state' / 'ledger.sqlite3')}",
        "",
        "To try commands of your own on it, start it once more and keep it up:",
        f"  {called()} demo --serve{'' if near(made) == _FOLDER else f' --folder {near(made)}'}",
    )
    return 0


def _three_passes(config: Path, environ: dict[str, str]) -> int:
    """The exit code of the last."""
    _heading("1. What would be done", f"{called()} --dry-run --config {near(config)}")
    run_one_pass(PassArguments(config=config, dry_run=True), environ)
    _heading("2. Done, as the demo's policy allows", f"{called()} -q --config {near(config)}")
    run_one_pass(PassArguments(config=config, verbosity=Verbosity.QUIET), environ)
    _heading("3. Once more, with nothing left to write", f"{called()} -q --config {near(config)}")
    return run_one_pass(PassArguments(config=config, verbosity=Verbosity.QUIET), environ)


@contextmanager
def _serving(seeded: SeededBusiness, folder: Path) -> Iterator[dict[str, str]]:
    """Both sources up on loopback, the settings for them written; gives the environment a pass needs."""
    business = seeded.business
    with business.lago.serve() as lago, business.stripe.serve() as stripe:
        exceptions = ", ".join(f'"{org}" = "{authority}"' for org, authority in sorted(seeded.authority_of.items()))
        (folder / "reconciler.toml").write_text(
            f"""# Settings of the demo: it may write, both ways, at once, within wide limits.
# Begin yours with mode = "flag".
[orgs]
store = "json:{folder / "store"}"
[billing]
authority = "both"
authority_of = {{ {exceptions} }}
livemode = false
[lago]
url = "{lago.url}"
max_requests_per_s = 1000
[stripe]
url = "{stripe.url}"
max_requests_per_s = 1000
[statuses]
unpaid_tier = "founders_friend"
[policy]
mode = "fix"
raise = "fix"
lower = "fix"
settle_raise = "0s"
settle_lower = "0s"
confirm_runs = 1
[limits]
max_raise_ratio = 0.5
max_raise_count = 1000
max_lower_ratio = 0.5
max_lower_count = 1000
max_monthly_value_ratio = 1.0
[reports]
formats = ["json", "text"]
[log]
level = "warning"

{business.tiers_toml()}""",
            encoding="utf-8",
        )
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith("RECONCILER")},
            "STATE_DIRECTORY": str(folder / "state"),
            "LAGO_API_KEY": LAGO_KEY,
            "STRIPE_API_KEY": STRIPE_KEY,
        }


def _wait(config: Path, environ: dict[str, str]) -> int:
    _say(
        "The demo's Lago and Stripe are up until Ctrl-C. In another terminal, here:",
        "",
        *(f"  export {name}={environ[name]}" for name in ("LAGO_API_KEY", "STRIPE_API_KEY", "STATE_DIRECTORY")),
        f"  {called()} --dry-run --config {config}",
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        _say("", "Stopped.")
    return 0


def _heading(*lines: str) -> None:
    _say("", _LINE, *lines, _LINE, "")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
