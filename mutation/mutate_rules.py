# ruff: noqa: INP001, T201 # a program, not a package; prints its figures
"""Changes the rules in every way that mutmut knows, counts by module which changes a test noticed, and fails on others.

    python mutation/mutate_rules.py [--again] [NAME...]

mutmut has one configuration for each folder that it runs in, and the project's is that of the store's codec. So this
one runs in a folder of its own, which sees the project by links. Without a NAME (as `reconciler.rules.limits.*`)
everything is tried anew; with `--again` only what survived before, or has changed since.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mutmut.stats import status_by_exit_code

HERE = Path(__file__).parent
PROJECT = HERE.parent
FOLDER = PROJECT / "build" / "mutation-rules"
NOTICED = {"killed", "timeout"}


def main(arguments: list[str]) -> int:
    """Run mutmut, and tell what came of it; 1 where a change was noticed by no test."""
    again, names = "--again" in arguments, [each for each in arguments if not each.startswith("--")]
    if not again and not names:
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "rules.toml", FOLDER / "pyproject.toml")
    for name in ("reconciler", "tests", "docs"):
        if not (FOLDER / name).exists():
            (FOLDER / name).symlink_to(PROJECT / name)
    if again:
        _forget_survivors()
    jobs = os.environ.get("JOBS", "auto")
    children = str(os.cpu_count() or 1) if jobs == "auto" else jobs
    environment = {**os.environ, "PYTHONPATH": str(HERE)}  # where soonest.py is
    subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "mutmut", "run", "--max-children", children, *names],
        cwd=FOLDER,
        env=environment,
        check=True,
    )
    return _tell()


def _records() -> list[Path]:
    return sorted((FOLDER / "mutants" / "reconciler" / "rules").glob("*.meta"))


def _forget_survivors() -> None:
    """So that mutmut tries them once more, by tests that it looks up anew."""
    (FOLDER / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for path in _records():
        record = json.loads(path.read_text())
        tried = record["exit_code_by_key"]
        record["exit_code_by_key"] = {
            name: code if status_by_exit_code[code] in NOTICED else None for name, code in tried.items()
        }
        path.write_text(json.dumps(record))


def _tell() -> int:
    total, noticed, survivors = 0, 0, []
    for path in _records():
        tried = {
            name: status_by_exit_code[code] for name, code in json.loads(path.read_text())["exit_code_by_key"].items()
        }
        by_status = Counter(tried.values())
        total, noticed = total + len(tried), noticed + sum(by_status[each] for each in NOTICED)
        if tried:
            print(f"{path.name.removesuffix('.py.meta'):20} {len(tried):5}  {dict(sorted(by_status.items()))}")
        survivors += [f"{name}: {status}" for name, status in tried.items() if status not in NOTICED]
    print(*survivors, sep="\n")
    print(f"{total} changes of the rules, {noticed} noticed by a test, {len(survivors)} not")
    return 1 if survivors or not total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
