"""Organisations leave the store as one document and come into it all or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from org_manager.stores import everything, member, organization, put, put_two
from reconciler.org_manager import OrgManager, StoreReadOnlyError, export_store, import_store, verify


def document(organizations: dict[str, Any], org_users: dict[str, Any] | None = None) -> bytes:
    return json.dumps({"organizations": organizations, "org_users": org_users or {}}).encode()


def test_an_exported_store_comes_back_the_same_byte_for_byte(tmp_path: Path) -> None:
    source = OrgManager(put_two(tmp_path / "source"))
    source.update_org_plan("org_1", "starter")
    target = OrgManager(tmp_path / "target")

    imported = import_store(target, export_store(source))

    assert (imported.added, imported.unchanged, imported.refused) == (("org_1", "org_2"), (), ())
    assert target.orgs_file.read_bytes() == source.orgs_file.read_bytes()
    assert target.org_users_file.read_bytes() == source.org_users_file.read_bytes()


def test_what_the_store_holds_already_is_left_alone(tmp_path: Path) -> None:
    manager = OrgManager(put_two(tmp_path / "data"))
    before = everything(manager.data_dir)

    imported = import_store(manager, export_store(manager))

    assert (imported.added, imported.unchanged, imported.refused) == ((), ("org_1", "org_2"), ())
    assert everything(manager.data_dir) == before


def test_new_organizations_go_behind_those_of_the_store_with_fields_we_do_not_know(tmp_path: Path) -> None:
    manager = OrgManager(put_two(tmp_path / "data"))

    imported = import_store(manager, document({"org_0": organization("org_0", seats=3)}))

    assert imported.added == ("org_0",)
    assert [found.id for found in manager.list_all_organizations()] == ["org_1", "org_2", "org_0"]
    assert json.loads(manager.orgs_file.read_bytes())["org_0"]["seats"] == 3
    assert json.loads(manager.org_users_file.read_bytes())["org_0"] == []


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "an odd status": (document({"org_3": organization("org_3", status="paused")}), "org_3", "sees an EMPTY store"),
    "an id that is not the key": (document({"org_3": organization("org_4")}), "org_3", "its id differs"),
    "no object": (document({"org_3": None}), "org_3", "it is no object of fields"),
    "another record of the id": (document({"org_1": organization("org_1", plan_tier="x")}), "org_1", "another record"),
    "a name that is taken": (
        document({"org_3": organization("org_3", name=" company ORG_1")}),
        "org_3",
        "name is taken",
    ),
    "a name that stands twice": (
        document({"org_3": organization("org_3", name="New"), "org_4": organization("org_4", name="NEW ")}),
        "org_4",
        "name is taken",
    ),
    "an id that stands twice": (
        document({"org_3": organization("org_3")})
        .replace(b'"org_users": {}', b'"x": 1')
        .replace(b'{"org_3": ', b'{"org_3": 1, "org_3": '),
        "org_3",
        "stands more than once",
    ),
    "a role": (
        document({"org_3": organization("org_3")}, {"org_3": [member("org_3", "u", role="admin")]}),
        "org_3",
        "a role is none of",
    ),
    "a member of another": (
        document({"org_3": organization("org_3")}, {"org_3": [member("org_1", "user_1")]}),
        "org_3",
        "names another organisation",
    ),
    "a member twice": (
        document({"org_3": organization("org_3")}, {"org_3": [member("org_3", "user_1")] * 2}),
        "org_3",
        "a member stands there twice",
    ),
    "members of nobody": (document({}, {"org_9": []}), "org_9", "without their organisation"),
    "other members of an organisation that is there": (
        document({"org_1": organization("org_1")}, {"org_1": []}),
        "org_1",
        "another list of members",
    ),
}


@pytest.mark.parametrize(("content", "key", "problem"), REFUSED.values(), ids=REFUSED)
def test_one_unfit_record_refuses_the_whole_import(tmp_path: Path, content: bytes, key: str, problem: str) -> None:
    manager = OrgManager(put_two(tmp_path / "data"))
    before = everything(manager.data_dir)

    imported = import_store(manager, content)

    assert imported.added == ()
    assert [refused.key for refused in imported.refused] == [key]
    assert problem in imported.refused[0].problem
    assert everything(manager.data_dir) == before
    assert verify(manager).is_sound


@pytest.mark.parametrize("content", [b"", b"[]", b'{"organizations": []}', b'{"org_users": 1}'])
def test_a_document_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match="nothing was imported"):
        import_store(OrgManager(tmp_path), content)


def test_nothing_is_imported_into_a_store_opened_for_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnlyError):
        import_store(OrgManager(put_two(tmp_path / "data"), read_only=True), document({}))


def test_odd_and_unreadable_records_are_exported_as_they_are(tmp_path: Path) -> None:
    records = {"org_1": organization("org_1", status="paused"), "org_2": {"x": 1}}
    manager = OrgManager(put(tmp_path / "data", records))

    assert json.loads(export_store(manager))["organizations"] == records
