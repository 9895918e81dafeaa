"""The last good copies are kept, thinned out, and never pushed out by a busy hour."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from org_manager.stores import put_two
from reconciler.org_manager import OrgManager, copies
from reconciler.org_manager.copies import Copies

NAME = "organizations.json"


class Hours(datetime):
    """A clock that a test sets."""

    at = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override] # the code under test asks for UTC only
        assert tz is UTC
        return cls.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Hours]:
    monkeypatch.setattr(copies, "datetime", Hours)
    Hours.at = datetime(2026, 1, 1, tzinfo=UTC)
    return Hours


def keep(kept: Copies, content: bytes) -> None:
    kept.keep(NAME, [content], f"{content.hex():0<64}", like=os.stat("/"))  # noqa: PTH116 # any owner will do


def contents(kept: Copies) -> list[bytes]:
    return [copy.path.read_bytes() for copy in kept.of(NAME)]


def test_the_newest_copy_is_the_last_write(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    manager = OrgManager(store)

    for tier in ("one", "two", "three"):
        manager.update_org_plan("org_1", tier)
        manager.add_user_to_org("org_1", f"user_{tier}")

    for name in (NAME, "org_users.json"):
        newest = Copies(store, keep=5, keep_days=5).newest_good(name)
        assert newest is not None
        assert newest.path.read_bytes() == (store / name).read_bytes()
        assert newest.path.stat().st_mode == (store / name).stat().st_mode


def test_a_busy_hour_leaves_copies_a_quarter_of_an_hour_apart_and_the_last_write(
    tmp_path: Path, clock: type[Hours]
) -> None:
    kept = Copies(tmp_path, keep=100, keep_days=5)
    for minute in range(61):
        clock.at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        keep(kept, bytes([minute]))

    assert contents(kept) == [bytes([minute]) for minute in (60, 45, 30, 15, 0)]
    assert next(copy.taken_at for copy in kept.of(NAME)) == clock.at


def test_copies_beyond_the_number_or_the_age_go_but_never_the_newest(tmp_path: Path, clock: type[Hours]) -> None:
    kept = Copies(tmp_path, keep=3, keep_days=2)
    for day in range(5):
        clock.at += timedelta(hours=12)
        keep(kept, bytes([day]))
    assert contents(kept) == [bytes([4]), bytes([3]), bytes([2])]

    clock.at += timedelta(days=30)
    keep(kept, b"new")
    assert contents(kept) == [b"new"]


def test_the_same_content_is_kept_once(tmp_path: Path, clock: type[Hours]) -> None:
    kept = Copies(tmp_path, keep=3, keep_days=2)
    keep(kept, b"x")
    clock.at += timedelta(hours=1)
    keep(kept, b"x")

    assert len(kept.of(NAME)) == 1


def test_a_clock_that_was_set_back_does_not_make_an_older_copy_the_newest(tmp_path: Path, clock: type[Hours]) -> None:
    kept = Copies(tmp_path, keep=3, keep_days=2)
    keep(kept, b"old")
    clock.at -= timedelta(hours=1)
    keep(kept, b"new")

    assert contents(kept) == [b"new", b"old"]


def test_a_copy_is_due_where_the_newest_is_another_and_no_longer_fresh(tmp_path: Path, clock: type[Hours]) -> None:
    kept = Copies(tmp_path, keep=3, keep_days=2)
    assert kept.is_due(NAME, "a" * 64)
    keep(kept, b"x")
    mine = f"{b'x'.hex():0<64}"
    assert not kept.is_due(NAME, "a" * 64)
    clock.at += copies.SPACING
    assert kept.is_due(NAME, "a" * 64)
    assert not kept.is_due(NAME, mine)


def test_the_newest_good_copy_is_one_that_can_be_read(tmp_path: Path, clock: type[Hours]) -> None:
    kept = Copies(tmp_path, keep=3, keep_days=2)
    keep(kept, b"{}")
    clock.at += timedelta(hours=1)
    keep(kept, b"{")

    newest = kept.newest_good(NAME)
    assert newest is not None
    assert newest.path.read_bytes() == b"{}"
    assert kept.newest_good("org_users.json") is None


def test_a_snapshot_keeps_a_copy_of_what_another_program_wrote(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")

    OrgManager(store).snapshot()

    assert contents(Copies(store, keep=5, keep_days=5)) == [(store / NAME).read_bytes()]


def test_a_snapshot_is_given_where_no_copy_can_be_kept(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    (store / ".backup").write_text("in the way")

    assert len(OrgManager(store).snapshot().organizations) == 2
    assert OrgManager(store).update_org_plan("org_1", "starter") is True
