"""What a first user met: a run is told whatever becomes of its files, and a slip of the hand is never CLEAN."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from e2e.e2e_support import Site, site_of
from reconciler.cli.main import run
from reconciler.cycle.line import Line, Pass
from reconciler.cycle.run import run_pass
from reconciler.model.run import RunRecord
from reconciler.reports.words import EXIT_CODES, NOT_KEPT
from reconciler.sandbox.demo import LAGO_KEY, STRIPE_KEY, SeededBusiness, build_business
from reconciler.sandbox.server import Fault
from reconciler.settings.reading import PLACES

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def seeded() -> SeededBusiness:
    return build_business(organisations=60, now=NOW)


@pytest.fixture
def site(
    seeded: SeededBusiness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    with site_of(seeded, tmp_path, monkeypatch, capsys) as made:
        yield made


def replaced(site: Site, old: str, new: str) -> None:
    text = site.config.read_text()
    assert old in text
    site.config.write_text(text.replace(old, new))


def requests(site: Site) -> int:
    return len(site.lago.requests) + len(site.stripe.requests)


@pytest.mark.parametrize("place", ["nowhere/report.txt", "store"])
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_read(site: Site, place: str) -> None:
    before = site.store.read_bytes()
    said = site.reconcile("--output", str(site.folder / place))
    assert (said.exit_code, said.out) == (64, "")
    assert str(site.folder / place) in said.err
    assert (requests(site), site.store.read_bytes()) == (0, before)


def test_a_reports_folder_that_cannot_be_made_is_refused_before_anything_is_read(site: Site) -> None:
    (site.folder / "a_file").touch()
    replaced(site, "[reports]", f'[reports]\nfolder = "{site.folder / "a_file" / "reports"}"')
    before = site.store.read_bytes()
    said = site.reconcile()
    assert (said.exit_code, said.out) == (1, "")
    assert "[reports] folder" in said.err
    assert (requests(site), site.store.read_bytes()) == (0, before)
    assert site.reconcile("--dry-run", "--no-record", "-q").exit_code == 2


@pytest.mark.parametrize("words", [("--output", "out/report.json", "--format", "json"), ()])
def test_a_run_whose_report_cannot_be_written_in_the_end_is_told_on_the_terminal_with_its_own_exit_code(
    site: Site, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(site.folder)
    folder = site.folder / ("out" if words else "state/reports")
    folder.mkdir()

    def lose_the_folder_and_run(line: Line, asked: Pass) -> RunRecord:
        shutil.rmtree(folder)
        folder.touch()
        return run_pass(line, asked)

    monkeypatch.setattr("reconciler.cli.pass_command.run_pass", lose_the_folder_and_run)
    said = site.reconcile(*words)
    assert said.exit_code == 2
    assert "fixed" in said.out
    assert "Exit code 2" in said.out
    assert "Report: out" not in said.out
    lines = [line for line in said.err.splitlines() if line.startswith("reconcile: ")]
    assert len(lines) == 1
    assert folder.name in lines[0]


def test_an_unknown_organisation_is_a_usage_error_and_not_clean(site: Site) -> None:
    known = next(iter(site.records()))
    before = site.store.read_bytes()
    said = site.reconcile("--org", known, "--org", "org_nope")
    assert (said.exit_code, said.out) == (64, "")
    assert "org_nope" in said.err
    assert known not in said.err
    assert (requests(site), site.store.read_bytes()) == (0, before)


def test_an_organisation_with_a_record_that_is_not_sound_can_be_asked_for(site: Site, seeded: SeededBusiness) -> None:
    unsound = next(seed.about for seed in seeded.seeds if seed.code == "record_invalid")
    assert site.reconcile("--dry-run", "--org", unsound, "-q").exit_code == 2


def test_a_reader_that_leaves_costs_neither_the_exit_code_nor_a_traceback(site: Site) -> None:
    keys = {"LAGO_API_KEY": LAGO_KEY, "STRIPE_API_KEY": STRIPE_KEY, "STATE_DIRECTORY": str(site.folder / "state")}
    for words in (["--dry-run"], ["--dry-run", "--format", "json"]):
        with subprocess.Popen(  # noqa: S603 - the command itself, with words from this test
            [sys.executable, "-m", "reconciler", *words, "--config", str(site.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=keys,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            said = process.stderr.read()
            assert process.wait() == 2
            assert "Traceback" not in said
            assert "BrokenPipe" not in said


def test_help_tells_every_exit_code_where_the_configuration_is_looked_for_and_no_bare_types(site: Site) -> None:
    said = site.reconcile("--help")
    assert said.exit_code == 0
    for code, meaning in EXIT_CODES.items():
        assert f"{code:>2}  {meaning.rstrip('.')}" in said.out
    for place in ("--config", "RECONCILER_CONFIG", *map(str, PLACES)):
        assert place in said.out.split("Configuration:")[1]
    for bare in ("<", "TEXT", "INTEGER", "RANGE"):
        assert bare not in said.out
    assert max(len(line) for line in said.out.splitlines()) <= 80


def test_the_version_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"reconcile {version('billing-reconciler')}\n"


@pytest.mark.parametrize(
    ("words", "level", "events"),
    [
        (["-q"], "info", False),
        (["-q"], "debug", False),
        (["-v"], "warning", True),
        (["-v"], "error", True),
        ([], "info", True),
        ([], "warning", False),
    ],
)
def test_quiet_logs_from_warnings_on_and_verbose_at_least_every_step(
    site: Site, words: list[str], level: str, *, events: bool
) -> None:
    replaced(site, "[reports]", f'[log]\nlevel = "{level}"\n[reports]')
    assert ('"run.started"' in site.reconcile("--dry-run", *words).err) is events


def test_quiet_still_says_that_a_run_was_not_kept(site: Site) -> None:
    (site.folder / "a_file").touch()
    said = site.reconcile("--dry-run", "-q", environ={"STATE_DIRECTORY": str(site.folder / "a_file" / "state")})
    assert NOT_KEPT in " ".join(said.out.split())


def test_a_csv_of_half_a_picture_says_so_beside_it(site: Site) -> None:
    whole = site.reconcile("--dry-run", "--format", "csv")
    assert "This CSV" not in whole.err
    site.stripe.add_fault(Fault(target="/v1/subscriptions", skip=0, times=None, status=503, body="{}"))
    half = site.reconcile("--dry-run", "--format", "csv")
    assert (half.exit_code, half.out.split(",")[0]) == (4, "code")
    assert "reconcile: This CSV is not the whole picture: INCOMPLETE." in half.err


def test_an_output_says_where_it_went(site: Site) -> None:
    for form in ("json", "text"):
        path = site.folder / f"report.{form}"
        said = site.reconcile("--dry-run", "--format", form, "--output", str(path))
        assert f"Report: {path}\n" in said.out
        assert path.is_file()


def test_config_check_says_what_is_read_whether_a_pass_writes_and_what_has_no_effect(
    site: Site, seeded: SeededBusiness
) -> None:
    replaced(site, "[statuses]", '[statuses]\nlapsed = "active"')
    said = site.reconcile("config", "check")
    assert said.exit_code == 0
    for words in (site.lago.url, site.stripe.url, str(site.store.parent), "mode fix, which writes"):
        assert words in said.out
    assert "max_monthly_value_ratio" not in said.out
    assert "[statuses] lapsed" not in said.out
    assert "grace_days" not in said.out
    assert "[statuses] ended" not in said.out
    site.configure(seeded, mode='"flag"')
    assert "mode flag, which writes nothing by itself" in site.reconcile("config", "check").out


def test_config_check_names_every_missing_key(site: Site) -> None:
    said = site.reconcile("config", "check", environ={"LAGO_API_KEY": "", "STRIPE_API_KEY": ""})
    assert (said.exit_code, said.out) == (1, "")
    assert "LAGO_API_KEY" in said.err
    assert "STRIPE_API_KEY" in said.err


def test_a_word_that_is_near_no_key_gets_no_hint_and_hides_no_missing_key(site: Site) -> None:
    replaced(site, 'unpaid_tier = "founders_friend"', "quux = 1")
    said = site.reconcile("config", "check")
    assert said.exit_code == 1
    assert "quux is not a known key;" not in said.err
    assert "[statuses] quux is not a known key" in said.err
    assert "[statuses] unpaid_tier is missing" in said.err
