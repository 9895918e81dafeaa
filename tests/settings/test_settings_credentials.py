"""Where keys come from, and that they are never shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import CredentialError
from reconciler.settings import read_credential

KEY = "3f1c9a52-0000-4000-8000-123456789abc"


def by_environment(_: Path, value: str) -> dict[str, str]:
    return {"LAGO_API_KEY": value}


def by_file(folder: Path, value: str) -> dict[str, str]:
    file = folder / "key"
    file.write_text(value, encoding="utf-8")
    return {"LAGO_API_KEY_FILE": str(file)}


def by_systemd(folder: Path, value: str) -> dict[str, str]:
    (folder / "credentials").mkdir()
    (folder / "credentials" / "lago_api_key").write_text(value, encoding="utf-8")
    return {"CREDENTIALS_DIRECTORY": str(folder / "credentials")}


Place = Callable[[Path, str], dict[str, str]]
PLACES = [by_environment, by_file, by_systemd]


def refused(environ: dict[str, str]) -> str:
    with pytest.raises(CredentialError) as caught:
        read_credential("LAGO_API_KEY", environ)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", [KEY, f"{KEY}\n", f"  {KEY}\r\n"])
def test_each_place_gives_the_key_without_white_space_around_it(tmp_path: Path, place: Place, value: str) -> None:
    assert read_credential("LAGO_API_KEY", place(tmp_path, value)).get_secret_value() == KEY


def test_a_key_does_not_show_itself() -> None:
    credential = read_credential("LAGO_API_KEY", {"LAGO_API_KEY": KEY})
    assert KEY not in f"{credential} {credential!r}"


def test_two_places_with_the_same_key_are_one(tmp_path: Path) -> None:
    environ = by_environment(tmp_path, KEY) | by_file(tmp_path, f"{KEY}\n") | by_systemd(tmp_path, KEY)
    assert read_credential("LAGO_API_KEY", environ).get_secret_value() == KEY


def test_two_places_with_different_keys_are_named(tmp_path: Path) -> None:
    said = refused(by_environment(tmp_path, KEY) | by_file(tmp_path, "another-key"))
    assert said.startswith("LAGO_API_KEY is given with different values by LAGO_API_KEY and LAGO_API_KEY_FILE.")
    assert KEY not in said
    assert "another-key" not in said


def test_a_missing_key_names_every_place() -> None:
    said = refused({"LAGO_API_KE": KEY})
    assert all(place in said for place in ("LAGO_API_KEY", "LAGO_API_KEY_FILE", "systemd credential lago_api_key"))
    assert "Nothing was judged or written" in said


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (f"{KEY}\nsecond", "has several lines"),
        (f"key={KEY} more", "has characters that no key has"),
        (f"{KEY}\x07", "has characters that no key has"),
    ],
)
def test_what_can_be_no_key_is_refused_without_repeating_it(
    tmp_path: Path, place: Place, value: str, problem: str
) -> None:
    said = refused(place(tmp_path, value))
    assert problem in said
    assert "LAGO_API_KEY" in said
    assert KEY not in said
    assert "second" not in said


@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_ascii(tmp_path: Path, place: Place) -> None:
    said = refused(place(tmp_path, "schlüssel"))
    assert "no key has" in said or "not ASCII" in said
    assert "schl" not in said


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    for wrong, words in ((tmp_path / "missing", "No such file"), (tmp_path, "Is a directory")):
        said = refused({"LAGO_API_KEY_FILE": str(wrong)})
        assert "the file that LAGO_API_KEY_FILE names" in said
        assert words in said


@pytest.mark.parametrize("value", [KEY, f"{KEY}\x00", "x" * 300])
def test_a_key_put_where_its_file_belongs_is_not_repeated(value: str) -> None:
    assert value not in refused({"LAGO_API_KEY_FILE": value})


def test_a_credential_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "lago_api_key").mkdir()
    said = refused({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "cannot be read from the systemd credential lago_api_key: Is a directory" in said


def test_a_folder_of_other_credentials_gives_none(tmp_path: Path) -> None:
    assert "is missing" in refused({"CREDENTIALS_DIRECTORY": str(tmp_path)})
