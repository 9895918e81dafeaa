from __future__ import annotations

import gc
import os
import tracemalloc
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.billing.asking import OutageError
from reconciler.billing.failures import failure_of, plain
from reconciler.billing.lago_client import LagoRefusedError
from reconciler.errors import CredentialError, ReconcilerError, SourceRefusedError
from reconciler.kept.reading import SnapshotFile
from reconciler.kept.writing import Ring, SnapshotWriter
from reconciler.model.acts import Contract, Release, Waiver
from reconciler.model.billing import Source
from reconciler.model.drift import Direction
from reconciler.model.history import (
    DoneFix,
    Failures,
    History,
    Latch,
    OrgState,
    Sighting,
    SubscriptionState,
    TierChange,
)
from reconciler.model.observation import StoreReading
from reconciler.model.orgs import InvalidRecord, Org

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STORE = StoreReading(
    orgs=(Org(id="org_1", name="Ünïted", tier="trial", status="active", created_at=NOW),),
    invalid=(InvalidRecord(key="org_2", problem="no name", readable=False),),
    version="v",
)
HISTORY = History(
    open_drifts={"tier_over:org_1": Sighting(first_seen=NOW, runs_seen=3)},
    done=(DoneFix(key="k", direction=Direction.LOWER, at=NOW, currency="usd", monthly=None),),
    population=7,
    source_rows={Source.STRIPE: 12},
    confirmations={"c": Sighting(first_seen=NOW, runs_seen=1)},
    config_sha256="sha",
    orgs={"org_1": OrgState(tier="trial", status="active", lago_id=None, stripe_id="cus_1", since=NOW)},
    subscriptions={"sub_1": SubscriptionState(digest="d", since=None, next_at=NOW)},
    tier_changes={"org_1": TierChange(before="a", after="b", seen_at=NOW, our_own=True, before_our_own=False)},
    own_status={"org_1": "suspended"},
    status_set={"org_1": "suspended"},
    failures={"k": Failures(count=2, last_at=NOW, error="e")},
    fixed_at={"k": (NOW, NOW + timedelta(microseconds=1))},
    waivers={"d": Waiver(drift_id="d", pinned={"a": "b"}, until=NOW, by="Ann", reason="r", at=NOW)},
    contracts=(
        Contract(
            id="c",
            org_id="org_1",
            tier="pro",
            amount_minor=1,
            currency="usd",
            start=date(2026, 1, 1),
            approver="Ann",
            reference="r",
        ),
    ),
    releases=(Release(digest="x", until=NOW, by="Ann", reason="r", at=NOW, fixes=frozenset({"k", "l"})),),
    latches={Direction.RAISE: Latch(digest="x", rule="max_raise_count", since=NOW)},
)


def written(folder: Path, *, history: History = HISTORY) -> Path:
    file = folder / "a.snapshot"
    with SnapshotWriter(file=file, ring=None, version="1.2.3") as writer:
        keeper = writer.source(Source.LAGO)
        keeper.answered("/plans?", b'{"plans": []}')
        keeper.failed("/plans?", plain(OutageError("gone")))
        keeper.stepped("crew")
        writer.keep(as_of=NOW, store=STORE, history=history)
        assert writer.problem is None
    return file


def test_what_the_ledger_remembered_and_the_store_held_come_back_as_they_were(tmp_path: Path) -> None:
    untold = {"unfinished"}
    assert {each.name for each in fields(History) if not getattr(HISTORY, each.name)} <= untold
    with SnapshotFile(written(tmp_path)) as file:
        assert file.about.history == HISTORY
        assert file.about.store == STORE
        assert (file.about.as_of, file.about.mark.version) == (NOW, "1.2.3")


def test_answers_to_one_question_come_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    with SnapshotFile(written(tmp_path)) as file:
        answers = file.answers(Source.LAGO)
        assert answers.next_answer("/plans?") == b'{"plans": []}'
        failure = answers.next_answer("/plans?")
        assert isinstance(failure, dict)
        assert failure["problem"] == "gone"
        assert answers.next_answer("/plans?") is None
        assert answers.next_answer("/customers?") is None
        assert answers.steps == ["crew"]


@pytest.mark.parametrize(
    "error",
    [
        OutageError("Lago is away"),
        CredentialError("The key may not read invoices", remedy="Give it the permission"),
        SourceRefusedError("Stripe answered 404", status=404, remedy="Run again"),
        LagoRefusedError("Lago answered 422", status=422, code="x", fields=frozenset({"per_page", "page"})),
    ],
)
def test_an_error_comes_back_as_it_was(error: ReconcilerError) -> None:
    back = failure_of(plain(error))
    assert type(back) is type(error)
    assert (str(back), vars(back)) == (str(error), vars(error))


def test_an_error_of_a_class_that_is_not_known_is_an_outage() -> None:
    back = failure_of({"class": "NewerError", "problem": "p", "text": "t"})
    assert isinstance(back, OutageError)
    assert back.problem == "p"


def test_a_pass_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    with SnapshotWriter(file=tmp_path / "a.snapshot", ring=None, version="1") as writer:
        writer.source(Source.LAGO).answered("q", b"body")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_problem_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with SnapshotWriter(file=None, ring=Ring(folder=tmp_path / "file" / "x", keep=1), version="1") as writer:
        writer.source(Source.LAGO).answered("q", b"body")
        writer.keep(as_of=NOW, store=STORE, history=HISTORY)
    assert writer.problem == "The snapshot file was not kept: Not a directory"
    assert writer.kept_at == ()


def test_a_file_and_the_ring_are_both_written_and_the_oldest_falls_out(tmp_path: Path) -> None:
    ring = Ring(folder=tmp_path / "ring", keep=2)
    for day in range(3):
        with SnapshotWriter(file=tmp_path / "a.snapshot", ring=ring, version="1") as writer:
            writer.keep(as_of=NOW + timedelta(days=day), store=STORE, history=HISTORY)
        assert {each.stat().st_mode & 0o777 for each in writer.kept_at} == {0o600}
    assert sorted(each.name[:8] for each in ring.folder.iterdir()) == ["20261125", "20261126"]
    with SnapshotFile(tmp_path / "a.snapshot") as file:
        assert file.about.as_of == NOW + timedelta(days=2)


def test_bodies_are_never_all_held(tmp_path: Path) -> None:
    body = os.urandom(1_000_000)
    with SnapshotWriter(file=tmp_path / "a.snapshot", ring=None, version="1") as writer:
        keeper = writer.source(Source.STRIPE)
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(40):
                keeper.answered(str(number), body)
            writer.keep(as_of=NOW, store=STORE, history=HISTORY)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (tmp_path / "a.snapshot").stat().st_size > 39_000_000
    assert peak < 8_000_000
