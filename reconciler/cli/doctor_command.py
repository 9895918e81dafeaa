"""`reconcile doctor`: what a pass stands on, one line each, with what to do."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.first_day import patient_of
from reconciler.firststeps.checked import Verdict, good
from reconciler.firststeps.doctor import examine
from reconciler.firststeps.told import summary, told
from reconciler.logs import configure_logs
from reconciler.settings import load_settings


def doctor(
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")] = None,
) -> int:
    """Look at everything that a pass stands on, and say what to do; nothing is written anywhere.

    Exit codes: 0 nothing is wrong, 2 something should be looked at, 1 no pass can run like this.
    """
    settings = load_settings(config, os.environ)
    configure_logs(settings.log.format, "warning")
    verdicts = [Verdict.GOOD]
    sys.stdout.write(
        told(good("Config", f"{settings.origin}: mode {settings.policy.mode}, authority {settings.billing.authority}"))
    )
    for checked in examine(patient_of(settings, os.environ)):
        verdicts.append(checked.verdict)
        sys.stdout.write(told(checked))
        sys.stdout.flush()
    sys.stdout.write(summary(verdicts))
    return max(verdicts).exit_code
