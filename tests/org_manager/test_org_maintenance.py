"""A person is told what is wrong with the store, and gets it back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from org_manager.stores import everything, member, organization, put, put_two
from reconciler.org_manager import OrgManager, StoreDamagedError, StoreMissingError, restore, verify


def kept(tmp_path: Path) -> tuple[Path, bytes]:
    """A store with a good copy of its last content; gives both."""
    store = put_two(tmp_path / "data")
    manager = OrgManager(store)
    manager.update_org_plan("org_1", "starter")
    manager.add_user_to_org("org_1", "user_2")
    return store, (store / "organizations.json").read_bytes()


def test_a_sound_store_is_called_sound(tmp_path: Path) -> None:
    store, _ = kept(tmp_path)

    verification = verify(OrgManager(store, read_only=True))

    assert verification.is_sound
    assert [(file.path, file.records, file.problem) for file in verification.files] == [
        (store / "organizations.json", 2, None),
        (store / "org_users.json", 2, None),
    ]
    assert verification.journal == "none"
    assert [len(file.copies) for file in verification.files] == [1, 1]


def test_every_record_that_the_application_would_refuse_is_named_in_both_files(tmp_path: Path) -> None:
    store = put(
        tmp_path / "data",
        {"org_1": organization("org_1", status="paused"), "org_2": {"id": "org_2"}, "org_3": organization("org_3")},
        {"org_3": [member("org_3", "user_1", role="admin")]},
    )

    verification = verify(OrgManager(store))

    assert not verification.is_sound
    assert [(invalid.key, invalid.readable) for invalid in verification.invalid] == [
        ("org_1", True),
        ("org_2", False),
        ("org_3", True),
    ]
    assert all("sees an EMPTY store" in invalid.problem for invalid in verification.invalid)


def test_a_damaged_file_is_reported_beside_the_records_of_the_other(tmp_path: Path) -> None:
    store, _ = kept(tmp_path)
    (store / "organizations.json").write_bytes(b"")
    before = everything(store)

    verification = verify(OrgManager(store, read_only=True, foreign_wait_s=0))

    organizations, org_users = verification.files
    assert "damaged at byte 0" in str(organizations.problem)
    assert (organizations.records, org_users.records, org_users.problem) == (0, 2, None)
    assert not verification.is_sound
    assert everything(store) == before


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff"])
def test_a_damaged_file_is_restored_from_its_newest_good_copy_and_set_aside(tmp_path: Path, damage: bytes) -> None:
    store, good = kept(tmp_path)
    (store / "organizations.json").write_bytes(damage)

    (restored,) = restore(OrgManager(store, foreign_wait_s=0))

    assert (store / "organizations.json").read_bytes() == good
    assert (restored.file, restored.kept) == ("organizations.json", ())
    assert restored.set_aside.read_bytes() == damage
    assert verify(OrgManager(store)).is_sound


def test_organizations_that_only_the_damaged_file_holds_are_kept_if_they_are_sound(tmp_path: Path) -> None:
    store, good = kept(tmp_path)
    left = {key: organization(key) for key in ("org_new", "org_newer")} | {
        "org_odd": organization("org_odd", status="")
    }
    (store / "organizations.json").write_text(json.dumps(left, indent=2)[:-1] + ' "tail')

    (restored,) = restore(OrgManager(store, foreign_wait_s=0))

    assert restored.kept == ("org_new", "org_newer")
    found = json.loads((store / "organizations.json").read_bytes())
    assert found == json.loads(good) | {key: left[key] for key in ("org_new", "org_newer")}


def test_both_files_are_restored_and_members_too(tmp_path: Path) -> None:
    store, good = kept(tmp_path)
    users = (store / "org_users.json").read_bytes()
    (store / "organizations.json").unlink()
    new = json.dumps({"org_new": [member("org_new", "user_1")]}).encode()
    (store / "org_users.json").write_bytes(new + b"x")

    restored = restore(OrgManager(store, foreign_wait_s=0))

    assert [(each.file, each.kept) for each in restored] == [
        ("organizations.json", ()),
        ("org_users.json", ("org_new",)),
    ]
    assert (store / "organizations.json").read_bytes() == good
    assert json.loads((store / "org_users.json").read_bytes()) == json.loads(users) | json.loads(new)


def test_a_file_that_reads_well_is_left_alone_unless_a_copy_is_named(tmp_path: Path) -> None:
    store, good = kept(tmp_path)
    copy = next((store / ".backup").glob("organizations.json.*"))
    manager = OrgManager(store)
    manager.update_org_plan("org_2", "enterprise")
    assert copy.exists()

    assert restore(manager) == ()
    (restored,) = restore(manager, copy)

    assert restored.copy == copy
    assert (store / "organizations.json").read_bytes() == good


def test_without_a_good_copy_nothing_is_restored_and_the_error_says_so(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    (store / "organizations.json").write_bytes(b"{")
    before = everything(store)

    with pytest.raises(StoreDamagedError, match="there is no good copy"):
        restore(OrgManager(store))

    assert everything(store) == before


def test_a_missing_file_without_a_copy_stays_missing(tmp_path: Path) -> None:
    manager = OrgManager(put_two(tmp_path / "data"))
    manager.orgs_file.unlink()

    with pytest.raises(StoreMissingError):
        restore(manager)

    assert not manager.orgs_file.exists()


def test_a_copy_that_is_none_is_refused(tmp_path: Path) -> None:
    store, _ = kept(tmp_path)
    broken = store / ".backup" / "organizations.json.broken"
    broken.write_bytes(b"{")

    with pytest.raises(StoreDamagedError, match="cannot be read"):
        restore(OrgManager(store), broken)
    with pytest.raises(StoreDamagedError, match="cannot be read"):
        restore(OrgManager(store), broken.with_name("organizations.json.none"))
    with pytest.raises(ValueError, match="not named like a copy"):
        restore(OrgManager(store), store / "other.json")
