"""The example files: every key is in them, and every key in them is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from reconciler.settings import Settings, load_settings
from reconciler.settings.reading import PLACES

CONFIG = Path(__file__).parents[2] / "config"
INTERFACES = Path(__file__).parents[3] / "shared" / "interfaces.md"


def keys_of(model: type[BaseModel], section: str) -> Iterator[tuple[str, str]]:
    """Every key below `model` with the section that it stands in."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        below = [kind for kind in models_in(field.annotation) if kind.__name__ != "CodeSection"]
        if section or not below:
            yield section, key
        for kind in below:
            yield from keys_of(kind, section or key)


def models_in(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for inner in get_args(kind) for model in models_in(inner)]


def section_texts(text: str) -> dict[str, str]:
    """The text of each section, those of all tiers as one."""
    found: dict[str, str] = {}
    for part in re.split(r"^(?=\[)", text, flags=re.MULTILINE):
        name = re.match(r"\[(\w+)", part)
        if name:
            found[name[1]] = found.get(name[1], "") + part
    return found


def test_the_example_loads_as_it_is_and_is_found_in_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(CONFIG / "reconciler.toml", {})
    assert settings.policy.mode == "flag"
    monkeypatch.chdir(CONFIG.parent)
    assert load_settings(None, {}, places=PLACES[1:]).sha256 == settings.sha256


@pytest.mark.parametrize(("section", "key"), sorted(set(keys_of(Settings, ""))))
def test_every_known_key_is_in_the_example(section: str, key: str) -> None:
    text = section_texts((CONFIG / "reconciler.toml").read_text(encoding="utf-8"))[section]
    assert re.search(rf"(?:^|[{{,]) ?(?:# )?{key} = ", text, re.MULTILINE)


def test_what_the_example_calls_the_default_is_the_default() -> None:
    settings = load_settings(CONFIG / "reconciler.toml", {})
    said = {
        **{name: type(part)() for name in ("limits", "schedule", "ledger", "reports", "notify", "http", "log", "stripe")
           if (part := getattr(settings, name)) is not None},
        "policy": type(settings.policy).model_validate({}),
    }  # fmt: skip  # the condition belongs to its line
    assert {name: getattr(settings, name) for name in said} == said


def test_every_key_of_the_interfaces_is_in_the_example() -> None:
    if not INTERFACES.exists():
        pytest.skip("the description of the interfaces is not beside this checkout")
    block = INTERFACES.read_text(encoding="utf-8").split("## Configuration")[1].split("```toml\n")[1].split("```")[0]
    example = section_texts((CONFIG / "reconciler.toml").read_text(encoding="utf-8"))
    documented = [
        (section, key)
        for section, text in section_texts(block).items()
        for key in re.findall(r"^(\w+) = ", text, re.MULTILINE)
    ]
    assert len(documented) > 60
    for section, key in documented:
        assert re.search(rf"^{key} = ", example[section], re.MULTILINE), f"[{section}] {key}"


def test_a_file_as_the_interfaces_show_it_loads(tmp_path: Path) -> None:
    if not INTERFACES.exists():
        pytest.skip("the description of the interfaces is not beside this checkout")
    block = INTERFACES.read_text(encoding="utf-8").split("## Configuration")[1].split("```toml\n")[1].split("```")[0]
    file = tmp_path / "reconciler.toml"
    file.write_text(block, encoding="utf-8")
    assert load_settings(file, {}).billing.authority == "both"


def test_the_example_environment_holds_no_value_that_takes_effect() -> None:
    lines = (CONFIG / "reconciler.example.env").read_text(encoding="utf-8").splitlines()
    assert all(not line or line.startswith("#") for line in lines)
    named = {line.removeprefix("# ").split("=")[0] for line in lines if re.match(r"# [A-Z_]+=", line)}
    assert {"LAGO_API_KEY", "LAGO_API_KEY_FILE", "STRIPE_API_KEY", "STRIPE_API_KEY_FILE", "RECONCILER_CONFIG"} <= named


def test_the_example_variables_work(tmp_path: Path) -> None:
    text = (CONFIG / "reconciler.example.env").read_text(encoding="utf-8")
    environ = dict(re.findall(r"^# (RECONCILER__\w+)=(.*)$", text, re.MULTILINE))
    file = tmp_path / "reconciler.toml"
    example = (CONFIG / "reconciler.toml").read_text(encoding="utf-8")
    file.write_text(example.replace("rank = 2", "rank = 3"), encoding="utf-8")
    settings = load_settings(file, environ)
    assert (settings.policy.mode, settings.reports.formats, settings.tiers["professional"].rank) == (
        "fix",
        ("html", "json"),
        2,
    )
