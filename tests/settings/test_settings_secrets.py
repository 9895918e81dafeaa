"""Secrets in the configuration are refused, with where they belong, and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.logs import redact
from settings.settings_files import RIGHT, changed, loaded, refusal

SECRETS = [
    "sk_live_51Habcdefgh",
    "rk_test_51Habcdefgh",
    "pk_live_51Habcdefgh",
    "sk_51HabcdefghABCDEFGH",
    "whsec_abcdefgh12345678",
    "Bearer abcdefgh12345678",
    "xoxb-1234567890-abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdef",
]
LAGO_KEY = "3f1c9a52-0000-4000-8000-123456789abc"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "place",
    [
        ("https://api.example.com", "[stripe]", '[stripe]\naccount = "{}"'),
        ("free", 'lago_plans = ["free"]', 'lago_plans = ["{}"]'),
        ("a key of a map", "[stripe]", '[stripe]\n"{}" = 1'),
        ("a section", "[stripe]", '["{}"]\n[stripe]'),
        ("a tier", "[tiers.max]", '[tiers."{}"]'),
        ("a word", '"both"', '"{}"'),
        ("a name", 'unpaid_tier = "free"', 'unpaid_tier = "{}"'),
        ("a status", 'unpaid_tier = "free"', 'unpaid_tier = "free"\nlapsed = "{}"'),
    ],
    ids=lambda place: place[0],
)
def test_what_looks_like_a_secret_is_refused_anywhere(tmp_path: Path, secret: str, place: tuple[str, str, str]) -> None:
    _, old, new = place
    said = refusal(tmp_path, changed(old, new.format(secret)))
    assert secret not in said
    assert "holds what looks like a secret: secrets never stand in the configuration" in said


@pytest.mark.parametrize("secret", SECRETS)
def test_what_settings_refuse_logs_redact(secret: str) -> None:
    assert secret not in redact(f"found {secret} there")


def test_a_lago_key_is_a_bare_uuid(tmp_path: Path) -> None:
    said = refusal(tmp_path, changed("https://lago.example.com", LAGO_KEY))
    assert said == (
        "[lago] url holds what looks like a secret: secrets never stand in the configuration; give it as LAGO_API_KEY "
        "by environment, by file (LAGO_API_KEY_FILE) or as a systemd credential"
    )


def test_a_plan_code_may_be_a_uuid(tmp_path: Path) -> None:
    settings = loaded(tmp_path, changed('"pro_monthly"', f'"{LAGO_KEY}"'))
    assert settings.tiers["pro"].lago_plans == (LAGO_KEY,)


@pytest.mark.parametrize(
    ("line", "place", "name"),
    [
        ('[lago]\napi_key = "short"', "[lago] api_key", "LAGO_API_KEY"),
        ('[stripe]\nsecret = "short"', "[stripe] secret", "STRIPE_API_KEY"),
        ('[billing]\npassword = "short"', "[billing] password", "LAGO_API_KEY and STRIPE_API_KEY"),
    ],
)
def test_a_key_by_the_name_of_a_secret_is_refused(tmp_path: Path, line: str, place: str, name: str) -> None:
    header = line.split("\n", maxsplit=1)[0]
    said = refusal(tmp_path, changed(header, line))
    assert said.startswith(f"{place} does not belong here: secrets never stand in the configuration")
    assert name in said
    assert "short" not in said


def test_a_secret_at_the_top_of_the_file_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, f'STRIPE_API_KEY = "rk_live_abcdefgh"\n{RIGHT}')
    assert "give it as STRIPE_API_KEY" in said
    assert "rk_live" not in said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://ann:hunter2@lago.example.com", "looks like a secret"),
        ("https://hunter2@lago.example.com", "no user name"),
        ("https://lago.example.com?key=hunter2", "before any ?"),
        ("hunter2", "must be an http or https address"),
    ],
)
def test_an_address_is_never_repeated(tmp_path: Path, url: str, words: str) -> None:
    said = refusal(tmp_path, changed("https://lago.example.com", url))
    assert words in said
    assert "hunter2" not in said


@pytest.mark.parametrize("url", ["postgresql://ledger:hunter2@db/ledger", "postgresql+psycopg://:hunter2@db/ledger"])
def test_a_ledger_address_with_a_password_is_refused(tmp_path: Path, url: str) -> None:
    said = refusal(tmp_path, f'{RIGHT}[ledger]\nurl = "{url}"')
    assert said.startswith("[ledger] url")
    assert "hunter2" not in said


@pytest.mark.parametrize("line", ['urls = ["slack://hunter2/abc/def"]', 'ping_url = "https://ping.example/hunter2"'])
def test_where_messages_go_is_named_by_where_it_is_kept(tmp_path: Path, line: str) -> None:
    said = refusal(tmp_path, f"{RIGHT}[notify]\n{line}")
    assert '"file:/path" or "credential:name"' in said
    assert "hunter2" not in said


def test_references_to_where_a_url_is_kept_are_taken(tmp_path: Path) -> None:
    text = f'{RIGHT}[notify]\nurls = ["file:/run/secrets/slack", "credential:mail_url"]\nping_url = "credential:ping"'
    assert loaded(tmp_path, text).notify.urls == ("file:/run/secrets/slack", "credential:mail_url")


def test_a_secret_in_a_variable_for_the_configuration_is_refused_too(tmp_path: Path) -> None:
    environ = {"RECONCILER__LAGO__API_KEY": LAGO_KEY, "RECONCILER__STRIPE__ACCOUNT": "sk_live_abcdefgh"}
    said = refusal(tmp_path, RIGHT, environ)
    assert "[lago] api_key" in said
    assert "(from RECONCILER__STRIPE__ACCOUNT)" in said
    assert LAGO_KEY not in said
    assert "sk_live" not in said
