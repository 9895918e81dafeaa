"""The entry of the command: every error a person can act on becomes one line and the exit code that belongs to it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from reconciler.cli.app import app
from reconciler.cli.telling import complain, leave_stdout
from reconciler.errors import ReconcilerError, UsageError

_INTERRUPTED = 130

# Typer gives its errors no public root; the one it has is found from the one it exports.
_CommandLineError: type[Exception] = next(
    each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException"
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit code (interfaces.md): usage errors are 64, never 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a text file, unless a test replaced it
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        result = app(args=arguments, prog_name="reconcile", standalone_mode=False)
        sys.stdout.flush()  # a reader that left is noticed here, not by the interpreter on its way out
    except _CommandLineError as error:
        return _usage(error)
    except typer.Abort:
        result = _INTERRUPTED
    except ReconcilerError as error:
        return _say(str(error), error.exit_code)
    except BrokenPipeError:
        leave_stdout()
        return 0
    if result == _INTERRUPTED:  # Typer gives Ctrl-C back as this code, or raises Abort
        return _say("Interrupted. What a pass wrote until then is in the ledger. Run it again.", _INTERRUPTED)
    return result if isinstance(result, int) else 0


def _usage(error: Exception) -> int:
    context = getattr(error, "ctx", None)
    called = context.command_path if context is not None else "reconcile"
    message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    message = message.replace(". Did you mean ", "; the nearest: ").rstrip(".?")
    near = getattr(error, "possibilities", None)  # of an option that there is not
    if near:
        message += f"; the nearest: {', '.join(near)}"
    return _say(str(UsageError(message, remedy=f"See {called} --help")), UsageError.exit_code)


def _say(line: str, exit_code: int) -> int:
    complain(line)
    return exit_code
