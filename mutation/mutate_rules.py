# ruff: noqa: INP001, T201 # a program, not a package; prints its figures
"""Changes the rules in every way that mutmut knows, and counts by module who noticed: tests, mypy, or nobody.

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
BY_TESTS, BY_TYPES = {"killed", "timeout"}, "caught by type check"


def main(arguments: list[str]) -> int:
    """Run mutmut, and tell what came of it; 1 where nobody noticed a change."""
    again, names = "--again" in arguments, [each for each in arguments if not each.startswith("--")]
    if not again and not names:
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "rules.toml", FOLDER / "pyproject.toml")
    for name in ("reconciler", "tests", "docs"):
        if not (FOLDER / name).exists():
            (FOLDER / name).symlink_to(PROJECT / name)
    shutil.rmtree(FOLDER / "mutants" / "tests", ignore_errors=True)  # mutmut leaves there what is no test any more
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
            name: code if status_by_exit_code[code] in {*BY_TESTS, BY_TYPES} else None for name, code in tried.items()
        }
        path.write_text(json.dumps(record))


def _tell() -> int:
    total: Counter[str] = Counter()
    survivors: list[str] = []
    print(f"{'':20}  in all  tests  types  nobody")
    for path in _records():
        codes = json.loads(path.read_text())["exit_code_by_key"]
        tried = {name: status_by_exit_code[code] for name, code in codes.items()}
        left = [f"{name}: {said}" for name, said in tried.items() if said not in {*BY_TESTS, BY_TYPES}]
        types = sum(said == BY_TYPES for said in tried.values())
        found = Counter(all=len(tried), tests=len(tried) - types - len(left), types=types, nobody=len(left))
        total += found
        survivors += left
        if tried:
            _row(path.name.removesuffix(".py.meta"), found)
    _row("changes noticed by", total)
    print(*survivors, sep="\n")
    return 1 if survivors or not total else 0


def _row(name: str, found: Counter[str]) -> None:
    print(f"{name:20} {found['all']:7} {found['tests']:6} {found['types']:6} {found['nobody']:7}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
