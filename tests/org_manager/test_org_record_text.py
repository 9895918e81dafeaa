"""One field or one member is changed in a record's own text, and nothing else of it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from reconciler.org_manager.record_text import append_entry, new_record, remove_entry, set_fields, set_role

RECORD = b'{\n    "id": "org_1",\n    "seats": 1.50,\n    "status": "active",\n    "x": {"status": 1}\n  }'


def test_a_new_record_is_laid_out_as_the_application_does_inside_the_file() -> None:
    moment = datetime(2025, 10, 13, 2, 12, 33)  # noqa: DTZ001 # naive is the store's form
    content = {"org_1": {"id": "org_1", "name": "ü", "created_at": moment, "members": []}}

    record = new_record(content["org_1"])

    assert b'{\n  "org_1": ' + record + b"\n}" == json.dumps(content, indent=2, default=str).encode()


def test_a_field_is_set_in_its_place_and_every_other_byte_stays() -> None:
    changed = set_fields(RECORD, {"status": "suspended"})

    assert changed == RECORD.replace(b'"active"', b'"suspended"')


def test_several_fields_are_set_and_missing_ones_go_behind_the_last_on_lines_of_their_own() -> None:
    changed = set_fields(RECORD, {"plan_tier": "ü", "id": "org_2", "stripe_customer_id": None})

    assert changed == RECORD.replace(b"org_1", b"org_2").replace(
        b'{"status": 1}', b'{"status": 1},\n    "plan_tier": "\\u00fc",\n    "stripe_customer_id": null'
    )


def test_a_missing_field_of_a_record_on_one_line_stays_on_that_line() -> None:
    assert set_fields(b'{"a":1}', {"b": "x"}) == b'{"a":1, "b": "x"}'
    assert set_fields(b"{}", {"b": "x"}) == b'{"b": "x"}'


def test_of_a_field_that_stands_twice_the_last_is_set() -> None:
    assert set_fields(b'{"a": 1, "a": 2}', {"a": "x"}) == b'{"a": 1, "a": "x"}'


def test_members_are_appended_as_the_application_lays_them_out() -> None:
    first = append_entry(b"[]", {"user_id": "user_1"})
    both = append_entry(first, {"joined_at": datetime(2025, 10, 13, 2, 12, 33)})  # noqa: DTZ001 # naive is the store's form

    moment = datetime(2025, 10, 13, 2, 12, 33)  # noqa: DTZ001 # naive is the store's form
    whole = {"org_1": [{"user_id": "user_1"}, {"joined_at": moment}]}
    assert b'{\n  "org_1": ' + both + b"\n}" == json.dumps(whole, indent=2, default=str).encode()
    assert append_entry(b"[ 1 ]", {"a": 2}) == b'[ 1, {\n      "a": 2\n    } ]'


@pytest.mark.parametrize(
    ("index", "left"),
    [(0, b'[ {"\xc3\xbc": 1},  3 ]'), (1, b"[ 0,  3 ]"), (2, b'[ 0, {"\xc3\xbc": 1} ]')],
)
def test_a_member_is_removed_with_one_comma(index: int, left: bytes) -> None:
    assert remove_entry(b'[ 0, {"\xc3\xbc": 1},  3 ]', index) == left


def test_the_last_member_leaves_an_empty_list() -> None:
    assert remove_entry(b"[\n    {}\n  ]", 0) == b"[]"


def test_a_members_role_is_set_in_its_place() -> None:
    members = b'[{"role": "owner"}, {"role": "member", "x": 1}]'

    assert set_role(members, 1, "owner") == b'[{"role": "owner"}, {"role": "owner", "x": 1}]'
    assert set_role(members, 0, "member") == b'[{"role": "member"}, {"role": "member", "x": 1}]'
