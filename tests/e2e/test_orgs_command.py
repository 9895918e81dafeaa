"""`reconcile orgs` on a real store in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.org_manager import OrgManager


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manager = OrgManager(tmp_path / "store")
    for name in ("Acme", "Zoë Łódź"):
        manager.add_user_to_org(manager.create_organization(name, "starter"), "user_1", "owner")
    return tmp_path / "store"


def records(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "organizations.json").read_text()))


def orgs(folder: Path, *words: str) -> int:
    return run(["orgs", *words, "--store", str(folder)])


def test_list_and_show_name_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert orgs(folder, "list") == 0
    assert [line.split()[1:3] for line in capsys.readouterr().out.splitlines()] == [["starter", "active"]] * 2
    org_id = next(iter(records(folder)))
    assert orgs(folder, "show", org_id) == 0
    assert "members             1" in capsys.readouterr().out
    assert orgs(folder, "show", "org_nobody") == 64
    assert "org_nobody" in capsys.readouterr().err


def test_verify_says_whether_the_application_can_read_the_store(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert orgs(folder, "verify") == 0
    held = records(folder)
    held[next(iter(held))]["status"] = "on_hold"
    (folder / "organizations.json").write_text(json.dumps(held))
    assert orgs(folder, "verify") == 2
    out = capsys.readouterr().out
    assert "EMPTY" in out
    assert "NOT sound" in out
    assert orgs(folder, "restore") == 2
    out = capsys.readouterr().out
    assert "Nothing was restored" in out
    assert "NOT sound" in out


@pytest.mark.parametrize("damage", ["", '{"org_', None])
def test_restore_brings_a_damaged_or_missing_file_back(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str | None
) -> None:
    before = records(folder)
    assert orgs(folder, "restore") == 0
    assert "Nothing was restored" in capsys.readouterr().out
    if damage is None:
        (folder / "organizations.json").unlink()
    else:
        (folder / "organizations.json").write_text(damage)
    assert orgs(folder, "list") == 1
    assert orgs(folder, "restore") == 0
    assert list(records(folder)) == list(before)[: len(records(folder))]
    assert "is restored from" in capsys.readouterr().out


def test_an_export_can_be_imported_elsewhere_and_twice(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "export.json"
    assert orgs(folder, "export", "--output", str(export)) == 0
    OrgManager(tmp_path / "other")
    assert orgs(tmp_path / "other", "import", str(export)) == 0
    assert records(tmp_path / "other") == records(folder)
    assert orgs(tmp_path / "other", "import", str(export)) == 0
    assert "0 organisations were added, 2 were there already" in capsys.readouterr().out


def test_an_import_with_a_record_that_the_application_refuses_writes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"organizations": {"org_9": {"id": "org_9", "name": " ", "status": "active"}}, "org_users": {}}
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    before = (folder / "organizations.json").read_bytes()
    assert orgs(folder, "import", str(tmp_path / "bad.json")) == 1
    assert "org_9" in capsys.readouterr().out
    assert (folder / "organizations.json").read_bytes() == before
    (tmp_path / "bad.json").write_text("no JSON")
    assert orgs(folder, "import", str(tmp_path / "bad.json")) == 64
    assert orgs(folder, "import", str(tmp_path / "not_there.json")) == 64


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert orgs(tmp_path / "nowhere", "list") == 1
    assert not (tmp_path / "nowhere").exists()
    assert "nowhere" in capsys.readouterr().err
