"""The package stands in for the application's own module: what it imports, and when it makes its manager."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler.org_manager as package


def run(code: str, **environment: str) -> str:
    ended = subprocess.run(  # noqa: S603 # our own code
        [sys.executable, "-c", code], env={"PATH": "", **environment}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_importing_the_package_makes_nothing(tmp_path: Path) -> None:
    run("import reconciler.org_manager", ORG_DATA_DIR=str(tmp_path / "data"))

    assert not (tmp_path / "data").exists()


def test_the_manager_is_made_once_in_the_folder_that_the_environment_names(tmp_path: Path) -> None:
    code = (
        "from reconciler.org_manager import org_manager, OrgManager, Organization, OrgUser, locked_file\n"
        "import reconciler.org_manager as package\n"
        "assert package.org_manager is org_manager\n"
        "print(org_manager.orgs_file, org_manager.list_all_organizations())"
    )

    assert run(code, ORG_DATA_DIR=str(tmp_path / "data")) == f"{tmp_path / 'data' / 'organizations.json'} []"
    assert (tmp_path / "data" / "organizations.json").read_bytes() == b"{}"
    assert (tmp_path / "data" / "org_users.json").read_bytes() == b"{}"


def test_without_the_variable_the_folder_is_that_of_the_application() -> None:
    assert package.OrgManager.__init__.__defaults__ == ("/app/data",)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        package.no_such_thing  # noqa: B018 # the access is the test


def test_the_package_imports_the_standard_library_pydantic_and_the_errors_of_the_product_only() -> None:
    code = (
        "import sys, json, pydantic; before = set(sys.modules); import reconciler.org_manager;"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )

    modules = [name for name in json.loads(run(code)) if not name.startswith("_sysconfigdata")]
    loaded = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names)
    ours = {name for name in modules if name.startswith("reconciler")}

    pydantics_own = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
    assert loaded - pydantics_own == {"reconciler"}
    assert {name for name in ours if not name.startswith("reconciler.org_manager")} == {
        "reconciler",
        "reconciler.errors",
    }
