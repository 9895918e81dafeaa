"""`reconcile demo`: a Lago, a Stripe and a store on this machine, with drift in them, and three passes over it."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.pass_command import PassArguments, run_one_pass
from reconciler.errors import UsageError
from reconciler.reports.terminal import Verbosity
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, SeededBusiness, build_business

_MARK = ".made-by-reconcile-demo"
_LINE = "=" * 78


def demo(
    orgs: Annotated[int, typer.Option("--orgs", min=60, max=20_000, help="Organisations in the store.")] = 200,
    folder: Annotated[Path, typer.Option("--folder", help="Where store, settings and reports go.")] = Path("demo"),
    serve: Annotated[bool, typer.Option("--serve", help="Only start it, and keep it up to try commands on.")] = False,
) -> int:
    """Show the whole product on this machine: nothing to configure, nothing leaves loopback."""
    seeded = build_business(organisations=orgs, now=datetime.now(UTC).replace(microsecond=0))
    _make_folder(folder)
    seeded.business.write_store(folder / "store")
    with _serving(seeded, folder) as environ:
        config = folder / "reconciler.toml"
        if serve:
            return _wait(config, environ)
        _heading(f"1. What would be done: reconcile --dry-run --config {config}")
        run_one_pass(PassArguments(config=config, dry_run=True), environ)
        _heading(f"2. Done, as the demo's policy allows: reconcile -q --config {config}")
        run_one_pass(PassArguments(config=config, verbosity=Verbosity.QUIET), environ)
        _heading(f"3. Once more, with nothing left to write: reconcile -q --config {config}")
        left = run_one_pass(PassArguments(config=config, verbosity=Verbosity.QUIET), environ)
    _heading("The end of the demo")
    _say(
        f"The last pass ended with exit code {left}: its plan is empty, and what remains",
        "are flags, which need a person. The first report above and the files below say",
        "under each what to do. A script that only wants to know whether anything broke",
        "can pass --exit-zero-on-drift. The demo itself ends with 0.",
        "",
        f"Store:    {folder / 'store' / 'organizations.json'}",
        f"Settings: {config}",
        f"Reports:  {folder / 'state' / 'reports'}",
        f"Ledger:   {folder / 'state' / 'ledger.sqlite3'}",
        "",
        "To try commands of your own on it: reconcile demo --serve",
    )
    return 0


def _make_folder(folder: Path) -> None:
    """An empty folder that only an earlier demo may have stood in."""
    if folder.exists():
        if not (folder / _MARK).is_file():
            raise UsageError(
                f"{folder} is there already and no demo made it",
                not_done="It was left as it is, and nothing was started",
                remedy="Name another place with --folder",
            )
        shutil.rmtree(folder)
    (folder / "state").mkdir(parents=True)
    (folder / _MARK).touch()


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
store = "json:{(folder / "store").resolve()}"
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
            "STATE_DIRECTORY": str((folder / "state").resolve()),
            "LAGO_API_KEY": LAGO_KEY,
            "STRIPE_API_KEY": STRIPE_KEY,
        }


def _wait(config: Path, environ: dict[str, str]) -> int:
    _say(
        "The demo's Lago and Stripe are up until Ctrl-C. In another terminal:",
        "",
        *(f"  export {name}={environ[name]}" for name in ("LAGO_API_KEY", "STRIPE_API_KEY", "STATE_DIRECTORY")),
        f"  reconcile --dry-run --config {config}",
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        _say("", "Stopped.")
    return 0


def _heading(text: str) -> None:
    _say("", _LINE, text, _LINE, "")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
