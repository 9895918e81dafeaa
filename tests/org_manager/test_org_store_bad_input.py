"""Whatever the files hold: a clear error or a held record, and nothing lost."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from org_manager.stores import as_nobody, everything, member, organization, put, put_two, small_disk
from reconciler.org_manager import (
    OrgManager,
    StoreAccessError,
    StoreDamagedError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreWriteError,
)

WHOLE = json.dumps({key: organization(key) for key in ("org_1", "org_2")}, indent=2).encode()


@pytest.mark.parametrize(
    ("content", "offset", "problem"),
    [
        (b"", 0, "empty"),
        (WHOLE[: len(WHOLE) // 2], len(WHOLE) // 2, "damaged"),
        (WHOLE + WHOLE[-40:], len(WHOLE), "more text after its end"),
        (b"\xef\xbb\xbf" + WHOLE, 0, "byte order mark"),
        (WHOLE.replace(b"Company org_2", "Müller".encode("latin-1")), WHOLE.index(b"Company org_2") + 1, "not UTF-8"),
        (b"[" + WHOLE + b"]", 0, "not an object"),
        (b"null", 0, "not an object"),
    ],
    ids=["0 bytes", "half a document", "a tail of old text", "BOM", "Latin-1", "a list", "null"],
)
def test_a_damaged_file_is_told_by_name_and_byte_and_left_as_it_is(
    tmp_path: Path, content: bytes, offset: int, problem: str
) -> None:
    store = put_two(tmp_path / "data")
    (store / "organizations.json").write_bytes(content)
    before = everything(store)
    manager = OrgManager(store, foreign_wait_s=0)

    for use in (
        manager.list_all_organizations,
        manager.snapshot,
        lambda: manager.update_org_plan("org_1", "starter"),
        lambda: manager.create_organization("Another"),
        lambda: manager.add_user_to_org("org_1", "user_9"),
    ):
        with pytest.raises(StoreDamagedError, match=problem) as caught:
            use()
        assert f"{store / 'organizations.json'} is damaged at byte" in str(caught.value)
        assert problem == "damaged" or f"at byte {offset}:" in str(caught.value)
        assert "There is no good copy" in str(caught.value)
        assert "There is no good copy" in str(caught.value)
        assert "your own backups" in str(caught.value)

    assert everything(store) == before


def test_a_damaged_list_of_members_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    (store / "org_users.json").write_bytes(b'{"org_1": [')
    before = everything(store)
    manager = OrgManager(store, foreign_wait_s=0)

    for use in (
        lambda: manager.get_org_users("org_1"),
        lambda: manager.get_user_orgs("user_1"),
        lambda: manager.add_user_to_org("org_1", "user_9"),
        lambda: manager.create_organization("Another"),
    ):
        with pytest.raises(StoreDamagedError, match=r"org_users\.json is damaged at byte 11"):
            use()

    assert everything(store) == before


def test_the_error_of_a_damaged_file_names_its_newest_good_copy(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    OrgManager(store).update_org_plan("org_1", "starter")
    copy = next((store / ".backup").glob("organizations.json.*"))
    (store / "organizations.json").write_bytes(b"")

    with pytest.raises(StoreDamagedError) as caught:
        OrgManager(store, foreign_wait_s=0).get_org("org_1")

    assert f"The newest good copy is {copy}" in str(caught.value)


@pytest.mark.parametrize("left", [b"{}", json.dumps({"org_new": organization("org_new")}).encode()])
def test_a_file_without_any_of_the_former_organizations_is_no_empty_store(tmp_path: Path, left: bytes) -> None:
    store = put_two(tmp_path / "data")
    OrgManager(store).update_org_plan("org_1", "starter")
    (store / "organizations.json").write_bytes(left)
    manager = OrgManager(store, foreign_wait_s=0)

    with pytest.raises(StoreDamagedError, match="none of the organisations of the newest good copy"):
        manager.list_all_organizations()
    with pytest.raises(StoreDamagedError, match="none of the organisations of the newest good copy"):
        manager.update_org_plan("org_new", "starter")

    assert (store / "organizations.json").read_bytes() == left


def test_an_organization_that_a_person_took_out_by_hand_stays_out(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    OrgManager(store).update_org_plan("org_1", "starter")
    put(store, {"org_2": organization("org_2")})

    assert [found.id for found in OrgManager(store).list_all_organizations()] == ["org_2"]


def test_a_file_that_vanished_is_missing_and_not_made_anew_where_copies_of_it_stand(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    OrgManager(store).update_org_plan("org_1", "starter")
    (store / "organizations.json").unlink()

    with pytest.raises(StoreMissingError, match="reconcile orgs restore"):
        OrgManager(store).list_all_organizations()
    assert not (store / "organizations.json").exists()


ODD = {
    "status outside the vocabulary": ({"status": "paused"}, "status is none of active, suspended, deleted"),
    "name of 10 MB": ({"name": "x" * 10_000_000}, "name has more than 200 characters"),
    "empty name": ({"name": ""}, "name is empty"),
    "blank name": ({"name": "  "}, "name is blank"),
}


@pytest.mark.parametrize(("fields", "problem"), ODD.values(), ids=ODD)
def test_an_odd_record_is_read_kept_and_reported_with_what_it_does_to_the_application(
    tmp_path: Path, fields: dict[str, str], problem: str
) -> None:
    store = put(tmp_path / "data", {"org_1": organization("org_1", **fields), "org_2": organization("org_2")})
    manager = OrgManager(store)

    snapshot = manager.snapshot()
    assert manager.update_org_plan("org_1", "starter") is True
    assert manager.update_org_plan("org_2", "starter") is True

    assert list(snapshot.organizations) == ["org_1", "org_2"]
    (invalid,) = snapshot.invalid
    assert (invalid.key, invalid.readable) == ("org_1", True)
    assert problem in invalid.problem
    assert "sees an EMPTY store" in invalid.problem
    field, value = next(iter(fields.items()))
    assert value.strip() == "" or value not in invalid.problem
    found = manager.get_org("org_1")
    assert found is not None
    assert (getattr(found, field), found.plan_tier) == (value, "starter")
    assert json.loads((store / "organizations.json").read_bytes())["org_1"][field] == value


def test_an_id_that_does_not_start_with_org_is_read_kept_and_reported(tmp_path: Path) -> None:
    store = put(tmp_path / "data", {"acme": organization("acme"), "org_2": organization("org_2")})
    manager = OrgManager(store)

    assert [found.id for found in manager.list_all_organizations()] == ["acme", "org_2"]
    (invalid,) = manager.snapshot().invalid
    assert (invalid.key, invalid.readable) == ("acme", True)
    assert invalid.problem.startswith("its id does not start with org_: ")


UNREADABLE = {
    "without id": ({"name": "Acme"}, "it has no id: "),
    "id that differs from its key": (organization("org_other"), "its id differs from its key"),
    "id that differs and odd status": (organization("org_other", status="x"), "its id differs from its key, and its"),
    "NaN for a tier": (organization("org_1", plan_tier=float("nan")), "its plan_tier cannot be read: "),
    "no name": ({"id": "org_1"}, "it has no name: "),
    "a time that is none": (organization("org_1", created_at="yesterday"), "its created_at cannot be read: "),
    "half a surrogate pair": (organization("org_1", name="\ud800"), "its name holds half a character"),
    "half a surrogate pair in the tier": (organization("org_1", plan_tier="\ud800"), "its plan_tier holds half"),
    "a list": ([1], "it is no object of fields: "),
    "null": (None, "it is no object of fields: "),
}


@pytest.mark.parametrize(("record", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_record_that_cannot_be_told_is_held_and_survives_every_write(
    tmp_path: Path, record: object, problem: str
) -> None:
    store = put(tmp_path / "data", {"org_1": record, "org_2": organization("org_2")})
    before = json.dumps(record, indent=2).replace("\n", "\n  ").encode()
    manager = OrgManager(store)

    assert [found.id for found in manager.list_all_organizations()] == ["org_2"]
    assert manager.get_org("org_1") is None
    assert manager.update_org_plan("org_1", "starter") is False
    assert manager.update_org_plan("org_2", "starter") is True
    manager.create_organization("Another")

    (invalid,) = manager.snapshot().invalid
    assert (invalid.key, invalid.readable) == ("org_1", False)
    assert invalid.problem.startswith(problem)
    assert before in (store / "organizations.json").read_bytes()


def test_nan_in_a_field_we_do_not_know_is_kept(tmp_path: Path) -> None:
    store = put(tmp_path / "data", {"org_1": organization("org_1", score=float("nan"), half="\ud800")})
    manager = OrgManager(store)

    assert manager.update_org_plan("org_1", "starter") is True

    assert manager.snapshot().invalid == ()
    assert b'"score": NaN,\n    "half": "\\ud800"' in (store / "organizations.json").read_bytes()


def test_an_id_that_stands_twice_is_reported_and_both_records_survive(tmp_path: Path) -> None:
    store = put(tmp_path / "data", {})
    first, last = (json.dumps(organization("org_1", name=name)).encode() for name in ("First", "Last"))
    (store / "organizations.json").write_bytes(b'{"org_1": ' + first + b', "org_1": ' + last + b"}")
    manager = OrgManager(store)

    assert manager.update_org_plan("org_1", "starter") is True

    assert [found.name for found in manager.list_all_organizations()] == ["Last"]
    (invalid,) = manager.snapshot().invalid
    assert invalid.problem.startswith("its id stands more than once in the file")
    assert (store / "organizations.json").read_bytes() == b'{"org_1": %s, "org_1": %s}' % (
        first,
        last.replace(b"trial", b"starter"),
    )


def test_odd_and_unreadable_members_are_kept_and_reported(tmp_path: Path) -> None:
    members = [member("org_1", "user_1", role="admin"), {"user_id": 7}, member("org_1", "user_2", shift="night")]
    store = put(
        tmp_path / "data",
        {"org_1": organization("org_1"), "org_2": organization("org_2")},
        {"org_1": members, "org_2": {"no": "list"}},
    )
    manager = OrgManager(store)

    assert [(found.user_id, found.role) for found in manager.get_org_users("org_1")] == [
        ("user_1", "admin"),
        ("user_2", "member"),
    ]
    assert [found.id for found in manager.get_user_orgs("user_1")] == ["org_1"]
    assert manager.get_org_users("org_2") == []
    first, second = manager.snapshot().invalid
    assert (first.key, first.readable, second.key, second.readable) == ("org_1", False, "org_2", False)
    assert "a role is none of owner, member, billing_admin" in first.problem
    assert "its members are no list" in second.problem
    with pytest.raises(StoreDamagedError, match="members of org_2"):
        manager.add_user_to_org("org_2", "user_1")

    assert manager.update_user_role("org_1", "user_2", "owner") is True
    assert manager.add_user_to_org("org_1", "user_3") is True
    assert manager.remove_user_from_org("org_1", "user_1") is True

    written = json.loads((store / "org_users.json").read_bytes())
    assert written["org_1"][:2] == [{"user_id": 7}, member("org_1", "user_2", shift="night", role="owner")]
    assert written["org_2"] == {"no": "list"}


def test_a_user_written_in_another_spelling_is_found(tmp_path: Path) -> None:
    store = put(tmp_path / "data", {"org_1": organization("org_1"), "org_2": organization("org_2")})
    (store / "org_users.json").write_text(
        json.dumps({"org_1": [member("org_1", "müller")]}, ensure_ascii=False)[:-1]
        + ', "org_2": [{"org_id": "org_2", "user_id": "m\\u00fcll\\u0065r", "role": "owner"}]}'
    )

    assert [found.id for found in OrgManager(store).get_user_orgs("müller")] == ["org_1", "org_2"]


def test_unknown_fields_odd_numbers_and_the_order_of_keys_survive_and_one_line_changes(tmp_path: Path) -> None:
    store = put(tmp_path / "data", {key: organization(key, seats=3) for key in ("org_2", "org_1", "org_3")})
    text = (store / "organizations.json").read_text().replace('"seats": 3', '"seats": 1.50e+01,\n    "z": {"a":[ ]}')
    (store / "organizations.json").write_text(text)

    OrgManager(store).update_org_plan("org_1", "professional")

    before, after = text.splitlines(), (store / "organizations.json").read_text().splitlines()
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [
        ('    "plan_tier": "trial",', '    "plan_tier": "professional",')
    ]


def test_a_symbolic_link_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    (store / "organizations.json").rename(tmp_path / "elsewhere.json")
    (store / "organizations.json").symlink_to(tmp_path / "elsewhere.json")
    before = (tmp_path / "elsewhere.json").read_bytes()
    manager = OrgManager(store)

    with pytest.raises(StoreDamagedError, match="is no regular file"):
        manager.list_all_organizations()
    with pytest.raises(StoreDamagedError, match="is no regular file"):
        manager.update_org_plan("org_1", "starter")

    assert (tmp_path / "elsewhere.json").read_bytes() == before


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a folder", "a named pipe"])
def test_something_else_in_place_of_the_file_is_refused(tmp_path: Path, make: object) -> None:
    store = put_two(tmp_path / "data")
    (store / "organizations.json").unlink()
    assert callable(make)
    make(store / "organizations.json")
    manager = OrgManager(store)

    with pytest.raises(StoreDamagedError, match="is no regular file"):
        manager.list_all_organizations()
    with pytest.raises(StoreDamagedError, match="is no regular file"):
        manager.update_org_plan("org_1", "starter")


AS_NOBODY = """
manager = OrgManager(sys.argv[1], create=False)
for use in (manager.list_all_organizations, lambda: manager.update_org_plan("org_1", "starter")):
    try:
        print(use())
    except StoreError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("mode", "folder_mode", "reading", "writing"),
    [
        (0o600, 0o755, StoreAccessError, StoreWriteError),
        (0o644, 0o755, None, StoreWriteError),
        (0o666, 0o755, None, StoreWriteError),
    ],
    ids=["no permission", "a read-only file", "a read-only folder"],
)
def test_without_the_permission_the_error_says_so_and_nothing_changes(
    mode: int, folder_mode: int, reading: type[Exception] | None, writing: type[Exception]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make files of another user")
    with tempfile.TemporaryDirectory() as around:
        Path(around).chmod(0o755)
        store = put_two(Path(around) / "data")
        store.chmod(folder_mode)
        for path in store.iterdir():
            path.chmod(mode)
        before = everything(store)

        read, write = as_nobody(AS_NOBODY, str(store)).stdout.splitlines()

        assert read.startswith(reading.__name__ if reading else "[Organization(")
        assert write.startswith(writing.__name__)
        assert everything(store) == before


@pytest.mark.parametrize("room", [24_000, 40_000, 60_000])
def test_a_full_disk_refuses_a_change_and_the_old_content_stands(tmp_path: Path, room: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    with small_disk(tmp_path / "disk", size=room) as disk:
        store = put_two(disk / "data")
        manager = OrgManager(store)
        refused = 0
        for number in range(80):
            before = (store / "organizations.json").read_bytes(), (store / "org_users.json").read_bytes()
            try:
                manager.create_organization(f"Company {number:0180}")
            except StoreWriteError as error:
                refused += 1
                assert "Nothing was changed in the store" in str(error)  # noqa: PT017 # the loop goes on
                assert before == ((store / "organizations.json").read_bytes(), (store / "org_users.json").read_bytes())
                assert not (store / ".org_store.journal").exists()

        assert refused > 0
        assert len(OrgManager(store).list_all_organizations()) == 2 + 80 - refused


def test_a_store_opened_for_reading_only_refuses_every_change_and_writes_nothing(tmp_path: Path) -> None:
    store = put_two(tmp_path / "data")
    before = everything(store)
    manager = OrgManager(store, create=False, read_only=True)

    manager.snapshot()
    for change in (
        lambda: manager.create_organization("Another"),
        lambda: manager.update_org_plan("org_1", "starter"),
        lambda: manager.update_org_status("org_1", "deleted"),
        lambda: manager.update_org_billing_ids("org_1", "lago_1"),
        lambda: manager.add_user_to_org("org_1", "user_2"),
        lambda: manager.remove_user_from_org("org_1", "user_1"),
        lambda: manager.update_user_role("org_1", "user_1", "owner"),
    ):
        with pytest.raises(StoreReadOnlyError, match="Nothing was written"):
            change()

    assert everything(store) == before


@pytest.mark.parametrize("options", [{"create": False}, {"read_only": True}])
def test_a_missing_store_is_an_error_and_none_is_made(tmp_path: Path, options: dict[str, bool]) -> None:
    with pytest.raises(StoreMissingError):
        OrgManager(tmp_path / "data", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_with_a_copy_is_told_with_the_copy_and_the_command_that_restores_it(tmp_path: Path) -> None:
    manager = OrgManager(tmp_path, foreign_wait_s=0.05)
    manager.create_organization("Acme")
    manager.create_organization("Beta")
    manager.orgs_file.write_bytes(b"")
    with pytest.raises(StoreDamagedError) as caught:
        manager.list_all_organizations()
    assert str(tmp_path / ".backup" / "organizations.json.") in str(caught.value)
    assert "reconcile orgs restore" in str(caught.value)
