"""Secrets: read from the environment, a file or a systemd credential, and never from settings or arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from reconciler.errors import CredentialError, SettingsError

_SECRET_NAMES = re.compile(r"(?:^|_)(?:api_?key|secret|secret_key|password|passwd|token)$", re.IGNORECASE)
_SECRET_VALUES = re.compile(r"\b(?:[srp]k_(?:live|test)_|whsec_)[A-Za-z0-9]")
_MOST_BYTES = 4096


def read_credential(name: str, environ: Mapping[str, str]) -> SecretStr:
    """The secret `name`: from the variable itself, the file that `<name>_FILE` names, or systemd's credentials.

    Raises CredentialError, which names the places and never a value, where there is none, where two places differ, or
    where one cannot be a key.
    """
    found = dict(_places(name, environ))
    if not found:
        raise CredentialError(
            f"There is no {name}",
            remedy=f"Set it in the environment, name its file in {name}_FILE, or give systemd the credential "
            f"{name.lower()}",
        )
    if len(set(found.values())) > 1:
        raise CredentialError(
            f"{' and '.join(found)} hold different values for {name}", remedy="Take away the one that is wrong"
        )
    place, value = next(iter(found.items()))
    if not value.isascii() or not value.isprintable() or " " in value:
        raise CredentialError(f"{place} holds no key: a key is one line of plain letters", remedy=f"Correct {place}")
    return SecretStr(value)


def refuse_secrets(said: Mapping[str, Any], path: tuple[str, ...] = ()) -> None:
    """Raise SettingsError for anything in a configuration that is a secret by its name or by its looks."""
    for name, value in said.items():
        place = (*path, str(name))
        if isinstance(value, Mapping):
            refuse_secrets(value, place)
        elif _SECRET_NAMES.search(str(name)) or any(_SECRET_VALUES.search(text) for text in _texts(value)):
            where = f"[{'.'.join(path)}] {name}" if path else str(name)
            raise SettingsError(
                f"{where} holds a secret, and secrets are refused in the configuration",
                remedy="Take it out, change it at its source if others could read it, and give it as LAGO_API_KEY or "
                "STRIPE_API_KEY in the environment, by file (LAGO_API_KEY_FILE) or as a systemd credential",
            )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _places(name: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if environ.get(name, "").strip():
        yield name, environ[name].strip()
    if environ.get(f"{name}_FILE"):
        yield f"{name}_FILE", _content(Path(environ[f"{name}_FILE"]), f"{name}_FILE")
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / name.lower()).exists():
        place = f"the credential {name.lower()}"
        yield place, _content(Path(folder) / name.lower(), place)


def _content(path: Path, place: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError as error:
        raise CredentialError(
            f"{place} names {path}, which cannot be read: {error.strerror}", remedy="Name a file that can be read"
        ) from None
    text = content.decode("utf-8", errors="replace").strip()
    if not text:
        raise CredentialError(f"{place} names {path}, which is empty", remedy="Write the key into it")
    return text
