"""`show`: everything that takes effect, as TOML that loads again, with where each value was given."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.settings.toml_text import toml_text
from settings.settings_files import RIGHT, changed, loaded

RICH = (
    changed('"both"', '"both"\nauthority_of = { org_1 = "lago" }')
    .replace("[tiers.pro]", '[tiers."pro plus"]')
    .replace('mode = "fix"', 'settle_lower = "90m"\ncodes = { paused = { do = "ignore", reason = "say \\"no\\"" } }')
    + '[catalog]\nnot_tiers = { stripe_products = ["prod_x"] }\n[schedule]\ncron = "0 * * * *"'
)


def test_it_loads_again_to_the_same_settings(tmp_path: Path) -> None:
    for text in (RIGHT, RICH, changed("[stripe]", "").replace('"both"', '"lago"')):
        first = loaded(tmp_path, text)
        again = loaded(tmp_path, first.show())
        assert again == first or again.model_dump() == first.model_dump()
        assert again.sha256 == first.sha256


def test_it_says_where_each_value_was_given(tmp_path: Path) -> None:
    environ = {"RECONCILER__TIERS__PRO__PRICE__USD__MONTH": "12", "RECONCILER__POLICY__CODES": '{ paused = "flag" }'}
    file = tmp_path / "reconciler.toml"
    lines = loaded(tmp_path, RIGHT, environ).show().splitlines()
    assert f'store = "json:/app/data"  # {file}' in lines
    assert "month = 12  # RECONCILER__TIERS__PRO__PRICE__USD__MONTH" in lines
    assert f"year = 99000  # {file}" in lines
    assert 'do = "flag"  # RECONCILER__POLICY__CODES' in lines
    assert 'currency = "usd"' in lines
    assert "max_lower_ratio = 0.05" in lines


def test_it_says_which_side_is_not_read(tmp_path: Path) -> None:
    shown = loaded(tmp_path, changed("[stripe]", "").replace('"both"', '"lago"')).show()
    assert "# There is no [stripe], so Stripe is not read." in shown
    assert "[lago], so" not in shown


def test_the_hash_follows_the_values_and_not_where_they_stand(tmp_path: Path) -> None:
    base = loaded(tmp_path)
    assert loaded(tmp_path, changed('mode = "fix"', "")).sha256 != base.sha256
    by_variable = loaded(tmp_path, changed('mode = "fix"', ""), {"RECONCILER__POLICY__MODE": "fix"})
    assert by_variable.sha256 == base.sha256
    said = changed('mode = "fix"', 'mode = "fix"\nsettle_lower = "1440m"').replace("usd", "USD")
    assert loaded(tmp_path, f"{said}[limits]\nmax_raise_ratio = 0.1").sha256 == base.sha256
    head, tail = RIGHT.split("[tiers.free]")
    assert loaded(tmp_path, f"[tiers.free]{tail}{head}").sha256 == base.sha256
    reordered = RIGHT.replace("[tiers.max]", "[tiers.zero]").replace("[tiers.pro]", "[tiers.max]")
    assert loaded(tmp_path, reordered).sha256 != base.sha256


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables=st.dictionaries(texts, st.dictionaries(texts, texts | st.booleans() | st.integers() | st.just(("a", "b"))))
)
def test_any_text_survives_being_written(tables: dict[str, dict[str, object]]) -> None:
    read = tomllib.loads(toml_text(tables, {}))
    as_lists = {
        name: {key: list(value) if isinstance(value, tuple) else value for key, value in table.items()}
        for name, table in tables.items()
    }
    assert read == as_lists
