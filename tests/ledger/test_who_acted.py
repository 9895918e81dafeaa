from __future__ import annotations

import os
import pwd

import pytest

from reconciler.ledger.acts import os_user


@pytest.mark.parametrize("name", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_the_user_who_acted_is_told_by_the_system_and_not_by_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "somebody_else")
    assert os_user() == pwd.getpwuid(os.getuid()).pw_name
