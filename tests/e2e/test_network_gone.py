"""The network dies in the middle of a read: the run says that it is incomplete, and lowers nobody."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from e2e.e2e_support import Site, site_of
from reconciler.sandbox.demo import build_business
from reconciler.sandbox.server import Break, Fault, LoopbackServer

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with site_of(build_business(organisations=250, now=NOW), tmp_path, monkeypatch, capsys) as made:
        yield made


def dying(beneath: LoopbackServer, *, after: int) -> LoopbackServer:
    """As `beneath`, but gone once it has answered `after` requests: open connections break, new ones are refused."""
    count = itertools.count(1)

    def answer(request: Request) -> Response:
        answered = beneath._application(request)
        if next(count) == after:
            threading.Thread(target=server.close).start()
        return answered

    server = LoopbackServer(answer)
    server.add_fault(Fault(target="", skip=after, breaks=Break.RESET, times=None))
    return server


@pytest.mark.parametrize(("source", "after"), [("lago", 4), ("lago", 6), ("stripe", 1), ("stripe", 4)])
def test_a_network_that_dies_while_a_source_is_read_ends_with_4_and_lowers_nobody(
    site: Site, source: str, after: int
) -> None:
    whole = site.reconcile("--dry-run", "--format", "json").document
    lowerings = [fix for fix in whole["plan"]["fixes"] if fix["direction"] == "lower"]
    assert lowerings  # there would be something to lower
    before = site.records()
    beneath = getattr(site, source)
    with dying(beneath, after=after) as mortal:
        site.config.write_text(site.config.read_text().replace(beneath.url, mortal.url))
        said = site.reconcile("--format", "json")
    report = said.document
    assert said.exit_code == 4
    assert (report["run"]["result"], report["run"]["complete"]) == ("incomplete", False)
    assert report["sources"][source]["problem"].endswith("it refuses the connection")
    assert [fix for fix in report["plan"]["fixes"] if fix["direction"] == "lower"] == []
    ranks = {"founders_friend": 0, "trial": 1}
    for org_id, now in site.records().items():
        assert ranks.get(now["plan_tier"], 9) >= ranks.get(before[org_id]["plan_tier"], 9)
        assert now["status"] == before[org_id]["status"] or before[org_id]["status"] != "active"


def test_the_report_for_people_begins_with_incomplete(site: Site) -> None:
    with dying(site.stripe, after=4) as mortal:
        site.config.write_text(site.config.read_text().replace(site.stripe.url, mortal.url))
        said = site.reconcile("--dry-run")
    assert said.exit_code == 4
    assert "INCOMPLETE" in said.out.splitlines()[0] + said.out.splitlines()[1]
    assert "it refuses the connection" in " ".join(said.out.split())
