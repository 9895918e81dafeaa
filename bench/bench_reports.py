# ruff: noqa: INP001 # a program, not a package
"""How long reports take, how much memory and how many bytes: 500 drifts of 10,000 organisations, then 20,000 drifts.

Each format is made in a process of its own; its peak includes the run itself, which is measured first, as `(run)`.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from busy_runs import busy_background, busy_run
from reconciler.reports.render import ReportFormat, render

_RUN = "(run)"
_SIZES = (500, 20_000)
_ORGS = 10_000


def _measure(drifts: int, form: str) -> tuple[float, float, float, int]:
    """Seconds of the clock and of the processor, peak MB of the process, bytes."""
    run = busy_run(drifts, orgs=max(_ORGS, drifts * 2))
    beside = busy_background(run)
    begun, worked = time.perf_counter(), time.process_time()
    content = b"" if form == _RUN else render(run, ReportFormat(form), beside=beside)
    took, work = time.perf_counter() - begun, time.process_time() - worked
    return took, work, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(content)


def _say(*cells: str, write: Callable[[str], object] = sys.stdout.write) -> None:
    write(f"{cells[0]:>8} {cells[1]:<10} {cells[2]:>8} {cells[3]:>8} {cells[4]:>9} {cells[5]:>9}\n")


def main() -> None:
    """Print one line for each number of drifts and format, and the sum of a pass's formats."""
    _say("drifts", "format", "seconds", "CPU s", "peak MB", "MB")
    processes = multiprocessing.get_context("spawn")
    for drifts in _SIZES:
        total, total_work = 0.0, 0.0
        for form in (_RUN, *ReportFormat):
            with processes.Pool(1) as pool:
                took, work, peak, size = pool.apply(_measure, (drifts, str(form)))
            total, total_work = total + took, total_work + work
            _say(f"{drifts:,}", str(form), f"{took:.2f}", f"{work:.2f}", f"{peak:.0f}", f"{size / 1e6:.2f}")
        _say(f"{drifts:,}", "all", f"{total:.2f}", f"{total_work:.2f}", "", "")


if __name__ == "__main__":
    main()
