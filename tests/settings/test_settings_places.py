"""Where the configuration is found, how it is read, and how the environment lies over it."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.settings import load_settings
from settings.settings_files import RIGHT, changed, loaded, refusal, written


def said_of(path: Path | None, environ: dict[str, str], *places: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ, places=places)
    return str(caught.value)


def named(folder: Path, name: str) -> Path:
    folder = folder / name
    folder.mkdir()
    return written(folder)


def test_the_named_file_comes_before_the_variable_before_the_usual_places(tmp_path: Path) -> None:
    one, two, three, four = (named(tmp_path, name) for name in ("one", "two", "three", "four"))
    places = [three, four]
    environ = {"RECONCILER_CONFIG": str(two)}
    assert load_settings(one, environ, places=places).origin == str(one)
    assert load_settings(None, environ, places=places).origin == str(two)
    assert load_settings(None, {}, places=places).origin == str(three)
    three.unlink()
    assert load_settings(None, {"RECONCILER_CONFIG": ""}, places=places).origin == str(four)


def test_no_file_anywhere_says_which_places_were_tried(tmp_path: Path) -> None:
    said = said_of(None, {}, tmp_path / "one.toml", tmp_path / "two.toml")
    assert f"none at {tmp_path / 'one.toml'} and {tmp_path / 'two.toml'}. Nothing was judged or written. " in said
    assert "--config" in said


@pytest.mark.parametrize("name", ["missing.toml", "a_file/below.toml"])
def test_a_named_file_that_is_not_there_is_never_replaced_by_another(tmp_path: Path, name: str) -> None:
    (tmp_path / "a_file").touch()
    usual = named(tmp_path, "usual")
    missing = tmp_path / name
    assert said_of(missing, {}, usual).startswith(f"{missing}, named by --config, is not there.")
    environ = {"RECONCILER_CONFIG": str(missing)}
    assert said_of(None, environ, usual).startswith(f"{missing}, named by RECONCILER_CONFIG, is not there.")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    assert said_of(tmp_path, {}).startswith(f"{tmp_path} is a folder, not a configuration file.")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_usual_place_that_may_not_be_read_is_not_passed_over(tmp_path: Path) -> None:
    first, second = named(tmp_path, "first"), named(tmp_path, "second")
    first.chmod(0)
    assert "cannot be read: Permission denied" in said_of(None, {}, first, second)


def test_a_name_that_no_file_can_have_is_said(tmp_path: Path) -> None:
    assert "cannot be read: " in said_of(tmp_path / ("x" * 300), {})


def test_bytes_that_are_no_text_are_said_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "reconciler.toml"
    file.write_bytes(b'[orgs]\nstore = "json:/caf\xe9"\n')
    assert said_of(file, {}).startswith(f"{file} is not UTF-8 text: line 2 has bytes that are none.")


def test_what_is_no_toml_is_said_with_line_and_column_and_without_its_text(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[lago]\nkey = hunter2\nurl = ""')
    assert "is not TOML" in said
    assert "line 2, column 7" in said
    assert "hunter2" not in said


def test_a_byte_order_mark_and_dos_line_ends_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "reconciler.toml"
    file.write_bytes(b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode())
    assert load_settings(file, {}).sha256 == loaded(tmp_path).sha256


def test_the_environment_lies_over_the_file(tmp_path: Path) -> None:
    environ = {
        "RECONCILER__LAGO__URL": "http://127.0.0.1:8080",
        "RECONCILER__BILLING__LIVEMODE": "false",
        "RECONCILER__LIMITS__MAX_LOWER_RATIO": "0.10",
        "RECONCILER__POLICY__SETTLE_LOWER": "1h30m",
        "RECONCILER__TIERS__PRO__RANK": "7",
        "RECONCILER__TIERS__PRO__PRICE__USD__MONTH": "12",
        "RECONCILER__REPORTS__FORMATS": '["json", "csv"]',
        "RECONCILER__POLICY__CODES__PAUSED": '{ do = "ignore", reason = "agreed" }',
        "RECONCILER_OTHER": "not ours",
    }
    settings = loaded(tmp_path, environ=environ)
    assert settings.lago is not None
    assert settings.lago.url == "http://127.0.0.1:8080"
    assert settings.billing.livemode is False
    assert settings.limits.max_lower_ratio == Decimal("0.10")
    assert settings.policy.settle_lower == timedelta(minutes=90)
    assert settings.tiers["pro"].rank == 7
    assert settings.tiers["pro"].price["usd"] == {"month": 12, "year": 99000}
    assert settings.reports.formats == ("json", "csv")
    assert settings.policy.codes["paused"].reason == "agreed"


def test_a_variable_makes_a_section_that_the_file_has_not(tmp_path: Path) -> None:
    text = changed('[lago]\nurl = "https://lago.example.com"', "")
    settings = loaded(tmp_path, text, {"RECONCILER__LAGO__URL": "https://lago.example.com"})
    assert settings.sha256 == loaded(tmp_path).sha256


def test_a_variable_finds_a_key_whatever_its_letter_case(tmp_path: Path) -> None:
    text = changed("[tiers.max]", "[tiers.Max]")
    assert loaded(tmp_path, text, {"RECONCILER__TIERS__MAX__RANK": "9"}).tiers["Max"].rank == 9


def test_a_variable_for_a_whole_table_comes_before_one_inside_it(tmp_path: Path) -> None:
    environ = {
        "RECONCILER__TIERS__MAX__RANK": "9",
        "RECONCILER__TIERS__MAX": '{ rank = 5, stripe_prices = ["price_max"] }',
    }
    tier = loaded(tmp_path, environ=environ).tiers["max"]
    assert (tier.rank, tier.stripe_prices, tier.stripe_products) == (9, ("price_max",), ())


def test_text_that_would_smuggle_in_a_key_stays_text(tmp_path: Path) -> None:
    environ = {"RECONCILER__STRIPE__ACCOUNT": '"a"\nurl = "https://elsewhere.example"'}
    settings = loaded(tmp_path, environ=environ)
    assert settings.stripe is not None
    assert settings.stripe.url == "https://api.stripe.com"


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"RECONCILER__LAGOO__URL": "x"},
         "[lagoo] is not a known section; the nearest is [lago] (from RECONCILER__LAGOO__URL)"),
        ({"RECONCILER__TIERS__PRO__RANK": "two"},
         "[tiers.pro] rank must be a whole number (from RECONCILER__TIERS__PRO__RANK)"),
        ({"RECONCILER__STRIPE__ACCOUNT": "1"},
         "[stripe] account must be text in quotes (from RECONCILER__STRIPE__ACCOUNT)"),
        ({"RECONCILER__LIMITS": "none"}, "[limits] must be a table (from RECONCILER__LIMITS)"),
    ],
)  # fmt: skip  # one case a line or two
def test_a_wrong_variable_is_named(tmp_path: Path, environ: dict[str, str], line: str) -> None:
    assert refusal(tmp_path, environ=environ) == line


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"RECONCILER__": "x"}, "RECONCILER__ names no key"),
        ({"RECONCILER__LAGO____URL": "x"}, "RECONCILER__LAGO____URL names no key"),
        ({"RECONCILER__ORGS__STORE__KIND": "x"}, "names a key inside orgs.store, which is no table"),
        ({"RECONCILER__LAGO__APP_URL": "https://\udcff"}, "RECONCILER__LAGO__APP_URL holds bytes that are no text"),
    ],
)
def test_a_variable_that_can_name_nothing_is_said(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    assert words in refusal(tmp_path, environ=environ)
