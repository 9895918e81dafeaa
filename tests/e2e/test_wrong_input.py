"""What a new user gets wrong: each ends with one clear line, the right exit code, and nothing written."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from e2e.e2e_support import Said, Site, site_of
from reconciler.cli.main import run
from reconciler.sandbox.demo import build_business
from reconciler.sandbox.server import Fault, LoopbackServer

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with site_of(build_business(organisations=60, now=NOW), tmp_path, monkeypatch, capsys) as made:
        yield made


def assert_one_line(said: Said, exit_code: int, *words: str) -> None:
    """One line for a person, with every one of `words`, and no report."""
    lines = [line for line in said.err.splitlines() if line.startswith("reconcile: ")]
    assert (said.exit_code, len(lines)) == (exit_code, 1), said
    for word in words:
        assert word in lines[0]
    assert said.out == ""
    assert "Traceback" not in said.err


def replaced(site: Site, old: str, new: str) -> None:
    text = site.config.read_text()
    assert old in text
    site.config.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", ["LAGO_API_KEY", "STRIPE_API_KEY"])
def test_a_missing_key(site: Site, name: str) -> None:
    assert_one_line(site.reconcile(environ={name: ""}), 1, name)


def test_a_wrong_lago_key(site: Site) -> None:
    said = site.reconcile(environ={"LAGO_API_KEY": "11111111-2222-3333-4444-555555555555"})
    assert_one_line(said, 1, "Lago", "key")
    assert "11111111" not in said.err


def test_a_lago_address_that_is_another_servers_is_named_beside_the_key(site: Site) -> None:
    replaced(site, site.lago.url, site.stripe.url)
    assert_one_line(site.reconcile(), 1, "LAGO_API_KEY", "[lago] url")


def test_a_wrong_stripe_key(site: Site) -> None:
    said = site.reconcile(environ={"STRIPE_API_KEY": "rk_test_not_the_right_one"})
    assert_one_line(said, 1, "Stripe", "key")
    assert "not_the_right_one" not in said.err


def test_a_key_of_the_other_mode(site: Site) -> None:
    said = site.reconcile(environ={"STRIPE_API_KEY": "rk_live_abcdefgh"})
    assert_one_line(said, 1, "of live mode", "begins with rk_test)")
    assert "abcdefgh" not in said.err


def test_a_name_that_does_not_resolve(site: Site) -> None:
    replaced(site, site.lago.url, "http://lago.invalid")
    said = site.reconcile()
    assert said.exit_code == 4
    assert "INCOMPLETE" in said.out
    assert "lago.invalid" in said.out


def test_a_url_with_something_else_behind_it(site: Site) -> None:
    with LoopbackServer(lambda _: Response("<html>hello</html>", content_type="text/html")) as other:
        replaced(site, site.lago.url, other.url)
        assert_one_line(site.reconcile(), 1, "Lago", other.url.removeprefix("http://"))


def test_a_stripe_url_with_something_else_behind_it(site: Site) -> None:
    with LoopbackServer(lambda _: Response("<html>hello</html>", content_type="text/html")) as other:
        replaced(site, site.stripe.url, other.url)
        assert_one_line(site.reconcile(), 1, "Stripe", other.url.removeprefix("http://"))


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_the_lago_url_is_understood_with_and_without_its_path(site: Site, ending: str) -> None:
    replaced(site, site.lago.url, site.lago.url + ending)
    assert site.reconcile("--dry-run", "-q").exit_code == 2


def test_a_port_where_nobody_listens(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        replaced(site, site.stripe.url, f"http://127.0.0.1:{free.getsockname()[1]}")
        before = site.store.read_bytes()
        said = site.reconcile()
    assert said.exit_code == 4
    assert "INCOMPLETE" in said.out
    assert site.store.read_bytes() == before


def test_a_source_that_stops_answering_in_mid_read_lowers_nobody(site: Site) -> None:
    site.stripe.add_fault(Fault(target="/v1/subscriptions", skip=0, times=None, status=503, body="{}"))
    document = site.reconcile("--format", "json")
    assert document.exit_code == 4
    assert document.document["run"]["result"] == "incomplete"
    assert all(each["direction"] != "lower" for each in document.document["plan"]["fixes"])


def test_a_configuration_with_an_unknown_key(site: Site) -> None:
    replaced(site, "unpaid_tier", "unpaid_teir")
    assert_one_line(site.reconcile(), 1, "unpaid_teir", "unpaid_tier")


def test_a_configuration_that_is_missing(site: Site) -> None:
    site.config.unlink()
    assert_one_line(site.reconcile(), 1, str(site.config))


def test_a_missing_store_is_an_error_and_none_is_made(site: Site) -> None:
    site.store.unlink()
    assert_one_line(site.reconcile(), 1, str(site.store))
    assert not site.store.exists()


def test_a_missing_store_folder_is_not_made(site: Site) -> None:
    replaced(site, "json:", "json:/nowhere/at/all")
    assert_one_line(site.reconcile(), 1, "/nowhere/at/all")
    assert not Path("/nowhere").exists()


@pytest.mark.parametrize("content", ["", '{"org_1": {"id": ', "no JSON at all", "[1, 2]"])
def test_a_store_that_is_no_json_object_is_never_taken_for_empty(site: Site, content: str) -> None:
    site.store.write_text(content)
    assert_one_line(site.reconcile(), 1, "organizations.json")
    assert site.store.read_text() == content


def test_a_store_of_zero_organisations_is_refused(site: Site) -> None:
    site.store.write_text("{}")
    said = site.reconcile()
    assert said.exit_code == 3
    assert "REFUSED" in said.out
    assert "no organisation" in said.out
    assert json.loads(site.store.read_text()) == {}


def test_a_ledger_folder_that_cannot_be_written(site: Site) -> None:
    (site.folder / "a_file").touch()
    nowhere = {"STATE_DIRECTORY": str(site.folder / "a_file" / "state")}
    before = site.store.read_bytes()
    assert_one_line(site.reconcile(environ=nowhere), 1, "ledger", "--no-record")
    assert site.store.read_bytes() == before
    said = site.reconcile("--dry-run", environ=nowhere)
    assert said.exit_code == 2
    assert "not in the ledger" in " ".join(said.out.split())


@pytest.mark.parametrize(
    "words",
    [
        ["--nonsense"],
        ["--format", "pdf"],
        ["--code", "tier_ovr"],
        ["--limit", "-1"],
        ["-q", "-v"],
    ],
)
def test_wrong_words_are_usage_errors(site: Site, words: list[str]) -> None:
    assert_one_line(site.reconcile(*words), 64)


def test_a_secret_in_the_configuration_is_refused_and_not_repeated(site: Site) -> None:
    replaced(site, "[lago]", '[lago]\napi_key = "3f1c9a52-0000-4000-8000-123456789abc"')
    said = site.reconcile()
    assert_one_line(said, 1, "LAGO_API_KEY")
    assert "3f1c9a52" not in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_store_that_may_not_be_read(site: Site) -> None:
    site.store.chmod(0)
    assert_one_line(site.reconcile(), 1, "organizations.json")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("explan", "org_1"), "No such command 'explan'; the nearest: 'explain'"),
        (("--dry-rum",), "No such option: --dry-rum; the nearest: --dry-run"),
    ],
)
def test_what_is_no_command_or_option_says_that_nothing_was_done_and_where_help_is(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], problem: str
) -> None:
    exit_code = run(words)
    out, err = capsys.readouterr()
    assert_one_line(Said(exit_code=exit_code, out=out, err=err), 64, problem, "Nothing was judged or written", "--help")


def test_a_state_that_is_none_is_answered_with_those_that_are(site: Site) -> None:
    said = site.reconcile("drifts", "--state", "foo")
    assert_one_line(said, 64, "'foo' is no state", "Nothing was shown", "open, acknowledged, waived")
