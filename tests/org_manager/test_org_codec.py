"""Records are found in the bytes and changed there, and every other byte stays."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.org_manager import codec
from reconciler.org_manager.codec import Document, DocumentError, elements_of_list, members_of_object, read_members

KEYS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
FILES = st.dictionaries(KEYS, VALUES, max_size=6)
LAYOUTS: list[dict[str, Any]] = [{"indent": 2}, {"indent": None}, {"indent": 1}, {"indent": 2, "ensure_ascii": False}]


def laid_out(content: Any, layout: int) -> bytes:
    return json.dumps(content, **LAYOUTS[layout]).encode()


def same(one: Any, other: Any) -> bool:
    """Equal as JSON, not-a-numbers and the order of keys included."""
    return json.dumps(one) == json.dumps(other)


def joined(edit: codec.Edit) -> bytes:
    return b"".join(edit.pieces)


@pytest.fixture(params=[1, 40, 1 << 18], ids=["cut everywhere", "cut often", "in one chunk"])
def chunk_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(codec, "_CHUNK_SIZE", request.param)
    return int(request.param)


@given(content=FILES, layout=st.integers(0, 3))
def test_every_record_of_any_file_in_any_layout_is_found_with_its_bytes(content: dict[str, Any], layout: int) -> None:
    raw = laid_out(content, layout)
    document = Document.read(raw)

    assert list(document.spans) == list(content)
    assert same({key: json.loads(text) for key, text in document.records()}, content)


@given(content=FILES, changes=st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), layout=st.integers(0, 3))
def test_an_edit_changes_its_records_appends_new_ones_and_can_be_taken_back(
    content: dict[str, Any], changes: dict[str, Any], layout: int
) -> None:
    document = Document.read(laid_out(content, layout))

    edit, spans = document.edit({key: json.dumps(value).encode() for key, value in changes.items()})

    raw = joined(edit)
    assert same(json.loads(raw), content | changes)
    assert Document.read(raw).spans == spans
    middle_end = len(raw) - edit.suffix
    assert raw[: edit.prefix] + edit.middle + raw[middle_end:] == document.raw
    assert len(edit.middle) == len(document.raw) - edit.prefix - edit.suffix


@pytest.mark.usefixtures("chunk_size")
def test_a_file_is_read_the_same_wherever_it_is_cut() -> None:
    content = {f"org_{n}": {"id": f"org_{n}", "nested": {"x": [1, {"y": "z"}]}, "name": "ü"} for n in range(5)}
    raw = json.dumps(content, indent=2, ensure_ascii=False).encode()

    assert [(key, json.loads(raw[start:end])) for key, start, end in read_members(raw)] == list(content.items())


@pytest.mark.usefixtures("chunk_size")
def test_a_file_in_a_layout_that_cuts_inside_its_values_is_read_all_the_same() -> None:
    # One space a level: lines that begin with two spaces and a quote stand inside the records.
    content = {f"org_{n}": {"id": f"org_{n}", "name": "x"} for n in range(5)}
    raw = json.dumps(content, indent=1).encode()

    assert [(key, json.loads(raw[start:end])) for key, start, end in read_members(raw)] == list(content.items())


@pytest.mark.usefixtures("chunk_size")
@pytest.mark.parametrize(
    ("raw", "offset", "problem"),
    [
        (b"", 0, "empty"),
        (b" \n\t\r ", 0, "empty"),
        (b'\xef\xbb\xbf{"a": 1}', 0, "it begins with a byte order mark"),
        (b"  [1, 2]", 2, "not an object of organisations"),
        (b"null", 0, "not an object of organisations"),
        (b'{"a": 1', 7, "expected }"),
        (b'{"a": 1,', 8, "expected another key after the comma"),
        (b'{"a": 1,}', 8, "expected another key after the comma"),
        (b'{"a": 1} \n}', 10, "more text after its end"),
        (b'{"a": 1}\n  "b": 2}', 11, "more text after its end"),
        (b'{"a" 1}', 4, "expected :"),
        (b'{"a": }', 6, "expected a value"),
        (b'{"a": nope}', 6, "expected a value"),
        (b'{"a": [1, }', 10, "expected a value"),
        (b"{,}", 1, "expected }"),
        (b'{"a": "x', 6, "Unterminated string starting at"),
        (b'{"a": "x\ny"}', 8, "Invalid control character at"),
        (b'{"\xfc": 1}', 2, "not UTF-8"),
        (b'{"\xc3\xbc": }', 7, "expected a value"),
        (b'{\n  "a": 1,\n  "b": 2,\n  "\xc3\xbc": ', 30, "expected a value"),
        (b'{\n  "a": 1,\n  "b": 2,\n  "\xfc": 3}', 25, "not UTF-8"),
        (b'{\n  "\xfc": 1,\n  "b": 2}', 5, "not UTF-8"),
        (b'{\n  "a": 1\n  "b": 2}', 10, "expected }"),
        (b'{\n  "a": 1,,\n  "b": 2}', 11, "expected another key after the comma"),
    ],
)
def test_a_broken_file_is_told_with_the_byte_where_it_shows(raw: bytes, offset: int, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Document.read(raw)

    assert (caught.value.problem, caught.value.offset) == (problem, offset)
    assert str(caught.value) == problem


@pytest.mark.parametrize("first_line", ["{", '{"org_0": 0,'])
def test_a_large_file_in_the_applications_layout_is_read_in_chunks(
    monkeypatch: pytest.MonkeyPatch, first_line: str
) -> None:
    sizes = []
    whole_text = codec._text

    def text(part: bytes, base: int) -> str:
        sizes.append(len(part))
        return whole_text(part, base)

    monkeypatch.setattr(codec, "_text", text)
    monkeypatch.setattr(codec, "_CHUNK_SIZE", 500)
    records = ",".join(f'\n  "org_{n}": {{"n": {n}}}' for n in range(1, 200))

    document = Document.read(f"{first_line}{records}\n}}".encode())

    assert document.record("org_199") == b'{"n": 199}'
    assert len(sizes) > 5
    assert max(sizes) < 500 + 25


def test_what_stood_whole_before_the_break_is_still_read(chunk_size: int) -> None:
    raw = json.dumps({f"org_{n}": {"n": n} for n in range(9)}, indent=2).encode()[:-20]

    found = _until_broken(raw)

    assert [json.loads(raw[start:end]) for _, start, end in found] == [{"n": n} for n in range(8)], chunk_size


def _until_broken(raw: bytes) -> list[codec.Member]:
    found: list[codec.Member] = []
    members = read_members(raw)
    while True:
        try:
            found.append(next(members))
        except DocumentError:
            return found


def test_nesting_too_deep_to_read_is_damage_not_a_crash() -> None:
    raw = b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    with pytest.raises(DocumentError) as caught:
        Document.read(raw)

    assert (caught.value.problem, caught.value.offset) == ("nested too deeply to read", 6)


def test_a_number_too_long_to_read_is_damage_not_a_crash() -> None:
    raw = b'{"a": ' + b"1" * (sys.get_int_max_str_digits() + 1) + b"}"

    with pytest.raises(DocumentError) as caught:
        Document.read(raw)

    assert (caught.value.problem, caught.value.offset) == ("a number too long to read", 6)


def test_of_a_key_that_stands_twice_the_last_counts_and_both_stay() -> None:
    document = Document.read(b'{"a": 1, "b": 2, "a": 3}')

    edit, _ = document.edit({"a": b"4"})

    assert document.repeated == {"a"}
    assert document.record("a") == b"3"
    assert joined(edit) == b'{"a": 1, "b": 2, "a": 4}'


def test_a_key_that_is_not_there_has_no_record() -> None:
    assert Document.read(b'{"a": 1}').record("b") is None


def test_one_changed_record_is_the_only_change_and_its_bytes_are_all_the_edit_takes_back() -> None:
    document = Document.read(b'{\n  "a": 1,\n  "b": 22,\n  "c": 3\n}\n')

    edit, spans = document.edit({"b": b"4"})

    assert joined(edit) == b'{\n  "a": 1,\n  "b": 4,\n  "c": 3\n}\n'
    assert (edit.prefix, edit.middle, edit.suffix) == (19, b"22", 13)
    assert spans == {"a": (9, 10), "b": (19, 20), "c": (29, 30)}


def test_records_are_appended_in_the_applications_layout_in_the_order_given() -> None:
    empty, _ = Document.read(b"{}").edit({"a": b"1", "b": b"2"})
    filled, _ = Document.read(b'{\n  "x": 0\n}').edit({"a": b"1", "\xfc": b"2"})

    assert joined(empty) == b'{\n  "a": 1,\n  "b": 2\n}'
    assert joined(filled) == b'{\n  "x": 0,\n  "a": 1,\n  "\\u00fc": 2\n}'


def test_an_empty_file_with_text_around_its_braces_takes_its_first_record() -> None:
    edit, spans = Document.read(b" { }\n").edit({"a": b"1"})

    assert joined(edit) == b' {\n  "a": 1\n }\n'
    assert spans == {"a": (10, 11)}


def test_the_members_of_an_object_are_found_with_their_ranges_in_characters() -> None:
    assert members_of_object('{"ü": "ä", "b" : [1] }') == [("ü", 6, 9), ("b", 17, 20)]
    assert members_of_object("{}") == members_of_object("{ \n}") == []
    for broken in ("[]", '{"a": 1', '{"a": 1}}', ' {"a": 1}'):
        with pytest.raises(DocumentError):
            members_of_object(broken)


def test_the_elements_of_a_list_are_found_with_their_ranges() -> None:
    assert elements_of_list('[1 , "]", {"a": 2}\n]') == [(1, 2), (5, 8), (10, 18)]
    assert elements_of_list("[]") == elements_of_list("[ \n ]") == []
