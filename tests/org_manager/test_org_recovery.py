"""What a writer that died left behind is finished, dropped or set aside, and a reader judges it without writing."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from org_manager.stores import everything, organization, put_two
from reconciler.org_manager import OrgManager, verify
from reconciler.org_manager.codec import Document
from reconciler.org_manager.journal import checksum, encode


def leave_journal(store: Path) -> tuple[bytes, bytes]:
    """A whole journal that puts org_1 on another tier; gives the old content and the announced one."""
    old = (store / "organizations.json").read_bytes()
    document = Document.read(old)
    record = (document.record("org_1") or b"").replace(b'"trial"', b'"basic"')
    edit, _ = document.edit({"org_1": record})
    journal = b"".join(encode([("organizations.json", edit, checksum([old]))]))
    (store / ".org_store.journal").write_bytes(journal)
    return old, b"".join(edit.pieces)


def tier(manager: OrgManager) -> str:
    found = manager.get_org("org_1")
    assert found is not None
    return found.plan_tier


def events(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.message, str(vars(record).get("verdict"))) for record in caplog.records]


def test_the_next_writer_finishes_a_write_that_was_announced_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = put_two(tmp_path / "data")
    _, new = leave_journal(store)

    with caplog.at_level(logging.WARNING), OrgManager(store).batch():
        pass

    assert (store / "organizations.json").read_bytes() == new
    assert not (store / ".org_store.journal").exists()
    assert events(caplog) == [("store.recovered", "replay")]
    assert vars(caplog.records[0])["store_file"] == "organizations.json"


@pytest.mark.parametrize("cut", [0, 1, 50, -1])
def test_the_next_writer_finishes_a_write_that_was_torn(tmp_path: Path, cut: int) -> None:
    store = put_two(tmp_path / "data")
    _, new = leave_journal(store)
    (store / "organizations.json").write_bytes(new[:cut])

    OrgManager(store).update_org_status("org_2", "deleted")

    found = json.loads((store / "organizations.json").read_bytes())
    assert (found["org_1"]["plan_tier"], found["org_2"]["status"]) == ("basic", "deleted")


def test_a_reader_sees_the_announced_content_and_writes_nothing(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    _, new = leave_journal(store)
    for content in ((store / "organizations.json").read_bytes(), b"", new[:70]):
        (store / "organizations.json").write_bytes(content)
        before = everything(store)

        manager = OrgManager(store, read_only=True)

        assert tier(manager) == "basic"
        assert manager.snapshot().organizations["org_1"].plan_tier == "basic"
        assert verify(manager).journal == "unfinished"
        assert everything(store) == before


def test_a_whole_file_that_differs_is_a_foreign_writers_later_word_and_the_journal_goes_to_the_backup(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = put_two(tmp_path / "data")
    leave_journal(store)
    journal = (store / ".org_store.journal").read_bytes()
    later = json.dumps({key: organization(key, plan_tier="enterprise") for key in ("org_1", "org_2")}).encode()
    (store / "organizations.json").write_bytes(later)

    assert tier(OrgManager(store, read_only=True)) == "enterprise"
    with caplog.at_level(logging.WARNING), OrgManager(store).batch():
        pass

    assert (store / "organizations.json").read_bytes() == later
    assert [path.read_bytes() for path in (store / ".backup").glob("journal.*")] == [journal]
    assert not (store / ".org_store.journal").exists()
    assert events(caplog) == [("store.recovered", "foreign")]


def test_a_torn_journal_is_dropped_and_the_old_content_stands(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = put_two(tmp_path / "data")
    old, _ = leave_journal(store)
    whole = (store / ".org_store.journal").read_bytes()
    (store / ".org_store.journal").write_bytes(whole[:-1])

    reader = OrgManager(store, read_only=True)
    assert (tier(reader), verify(reader).journal) == ("trial", "torn")
    with caplog.at_level(logging.WARNING), OrgManager(store).batch():
        pass

    assert (store / "organizations.json").read_bytes() == old
    assert not (store / ".org_store.journal").exists()
    assert events(caplog) == [("store.recovered", "torn")]


def test_a_journal_of_a_finished_write_is_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = put_two(tmp_path / "data")
    _, new = leave_journal(store)
    (store / "organizations.json").write_bytes(new)

    with caplog.at_level(logging.WARNING), OrgManager(store).batch():
        pass

    assert (store / "organizations.json").read_bytes() == new
    assert events(caplog) == [("store.recovered", "done")]
    assert verify(OrgManager(store)).journal == "none"


def test_a_warm_reader_does_not_overlook_a_journal(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    reader = OrgManager(store, read_only=True)
    assert tier(reader) == "trial"

    leave_journal(store)

    assert tier(reader) == "basic"


def test_whoever_may_write_finishes_a_half_written_store_before_looking_at_all_of_it(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    _, new = leave_journal(store)
    (store / "organizations.json").write_bytes(new[: len(new) // 2])
    OrgManager(store, read_only=True).snapshot()
    assert (store / "organizations.json").read_bytes() == new[: len(new) // 2]
    assert OrgManager(store).snapshot().organizations["org_1"].plan_tier == json.loads(new)["org_1"]["plan_tier"]
    assert (store / "organizations.json").read_bytes() == new
    assert not (store / ".org_store.journal").exists()
