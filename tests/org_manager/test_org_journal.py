"""The journal is read whole or not at all, and never put over another's later word."""

from __future__ import annotations

import hashlib
import json

import pytest

from reconciler.org_manager.codec import Document, Edit
from reconciler.org_manager.journal import Entry, Verdict, checksum, decode, encode, judge, size

OLD = b'{\n  "a": "trial",\n  "b": "trial"\n}'
OTHER_OLD = b'{"c": []}'


def edits() -> list[tuple[str, Edit, str]]:
    first, _ = Document.read(OLD).edit({"a": b'"basic"', "b": b'"basic"'})
    second, _ = Document.read(OTHER_OLD).edit({"c": b"[1, 2]"})
    return [("one.json", first, checksum([OLD])), ("two.json", second, checksum([OTHER_OLD]))]


NEW = b'{\n  "a": "basic",\n  "b": "basic"\n}'
ENTRY = Entry(file="one.json", new=NEW, old=OLD)


def test_a_journal_gives_back_the_new_and_the_old_content_of_each_file() -> None:
    raw = b"".join(encode(edits()))

    assert decode(raw) == (ENTRY, Entry(file="two.json", new=b'{"c": [1, 2]}', old=OTHER_OLD))


def test_a_journal_is_laid_out_as_documented() -> None:
    head, fields, rest = b"".join(encode(edits())).split(b"\n", 2)

    assert head == b"org-store-journal 1 " + hashlib.sha256(fields + b"\n" + rest).hexdigest().encode()
    assert json.loads(fields) == [
        {
            "file": "one.json",
            "size": len(NEW),
            "replaces": hashlib.sha256(OLD).hexdigest(),
            "prefix": 9,
            "suffix": 2,
            "middle": 23,
        },
        {
            "file": "two.json",
            "size": 13,
            "replaces": hashlib.sha256(OTHER_OLD).hexdigest(),
            "prefix": 6,
            "suffix": 1,
            "middle": 2,
        },
    ]
    assert rest == NEW + OLD[9:-2] + b'{"c": [1, 2]}' + b"[]"


def test_a_journal_cut_at_any_byte_is_torn() -> None:
    raw = b"".join(encode(edits()))

    assert [at for at in range(len(raw)) if decode(raw[:at]) is not None] == []


def test_a_journal_with_any_byte_changed_or_added_is_torn() -> None:
    raw = b"".join(encode(edits()))

    changed = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in range(len(raw))]
    assert [one for one in changed if decode(one) is not None] == []
    assert decode(raw + b"\n") is None


def test_a_journal_whose_old_content_is_not_what_it_says_it_replaces_does_not_count() -> None:
    first, second = edits()

    assert decode(b"".join(encode([first, (second[0], second[1], checksum([b"another"]))]))) is None


def test_a_file_that_holds_the_new_content_is_done() -> None:
    assert judge(ENTRY, NEW) is Verdict.DONE


def test_a_file_that_holds_the_old_content_is_written_anew() -> None:
    assert judge(ENTRY, OLD) is Verdict.REPLAY


@pytest.mark.parametrize("found", [b"", b"{", NEW[:-1], OLD + b"}", b"\xff", b"[]"])
def test_a_file_that_cannot_be_read_is_written_anew(found: bytes) -> None:
    assert judge(ENTRY, found) is Verdict.REPLAY


def test_a_torn_write_that_is_whole_json_is_told_from_a_later_word_and_written_anew() -> None:
    torn = [NEW[:at] + OLD[at:] for at in range(1, len(NEW))]

    assert any(json.loads(one) == {"a": "basic", "b": "trial"} for one in torn)
    assert {judge(ENTRY, one) for one in torn if one != NEW} == {Verdict.REPLAY}


@pytest.mark.parametrize(
    "found",
    [
        b"{}",
        b'{\n  "a": "trial",\n  "b": "other"\n}',
        b'{\n  "a": "other",\n  "b": "basic"\n}',
        b'{\n  "a": "basic",\n  "b": "other"\n}',
        NEW + b"\n",
    ],
)
def test_a_whole_file_that_differs_is_a_foreign_writers_later_word(found: bytes) -> None:
    assert judge(ENTRY, found) is Verdict.FOREIGN


def test_a_whole_file_that_differs_from_its_first_byte_on_is_a_later_word() -> None:
    entry = Entry(file="one.json", new=b'{"b": 22}', old=b' {"a": 1}')

    assert judge(entry, b'\n{"a": 1}') is Verdict.FOREIGN


def test_a_written_file_that_was_not_cut_to_its_length_yet_is_written_anew() -> None:
    entry = Entry(file="one.json", new=b'{"a": 1}', old=b'{"b": 1}\n\n\n')

    assert judge(entry, b'{"a": 1}\n\n\n') is Verdict.REPLAY


def test_checksum_and_size_are_of_the_pieces_one_after_another() -> None:
    assert checksum([b"ab", memoryview(b"c")]) == hashlib.sha256(b"abc").hexdigest()
    assert size([b"ab", memoryview(b"c")]) == 3
