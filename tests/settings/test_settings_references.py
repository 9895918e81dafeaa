"""A secret that a setting names by where it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import CredentialError
from reconciler.settings import read_reference


def test_a_reference_is_read_from_a_file_or_from_a_systemd_credential(tmp_path: Path) -> None:
    (tmp_path / "chat").write_text("json://127.0.0.1/secret\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    for reference in (f"file:{tmp_path / 'chat'}", "credential:chat"):
        assert read_reference(reference, "[notify] urls", environ).get_secret_value() == "json://127.0.0.1/secret"


@pytest.mark.parametrize("reference", ["file:/nowhere/at/all", "credential:chat"])
def test_a_reference_that_leads_nowhere_is_refused_with_its_key(reference: str) -> None:
    with pytest.raises(CredentialError, match=r"\[notify\] urls"):
        read_reference(reference, "[notify] urls", {})


def test_a_systemd_credential_that_is_not_there_is_refused_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match=r"\[notify\] ping_url"):
        read_reference("credential:ping", "[notify] ping_url", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
