"""`reconcile daemon`: passes by the schedule of the settings, until it is told to stop."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import structlog
import typer

from reconciler.daemon.service import Daemon
from reconciler.errors import ReconcilerError
from reconciler.logs import configure_logs
from reconciler.settings import Settings, load_settings

_log = structlog.get_logger()


def daemon(
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration (TOML).")] = None,
) -> int:
    """Run passes by the schedule; SIGHUP reads the settings again, SIGUSR1 runs now, SIGTERM stops."""

    def load() -> Settings:
        return load_settings(config, os.environ)

    configure_logs()
    try:
        log = load().log
        configure_logs(log.format, log.level)
        service = Daemon(load, os.environ)
    except ReconcilerError as error:
        _log.error("daemon.not_started", problem=str(error))
        return error.exit_code
    if not service.run():
        # The interpreter would wait for the threads of a pass that only reads.
        logging.shutdown()
        os._exit(0)
    return 0
