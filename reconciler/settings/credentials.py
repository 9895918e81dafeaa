"""Reads one secret from the environment, a file or a systemd credential, and never shows it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from reconciler.errors import CredentialError

_FOLDER_VARIABLE = "CREDENTIALS_DIRECTORY"
_MOST_BYTES = 65_536


def read_credential(name: str, environ: Mapping[str, str]) -> SecretStr:
    """The secret `name` from the variable of that name, the file `<name>_FILE` names, or the systemd credential.

    White space around it is dropped; `repr` and `str` of the answer hide it. Raises CredentialError where it is
    missing, empty, unreadable, not one line of printable ASCII, or given in two places with different values.
    """
    found: dict[str, str] = {}
    if name in environ:
        found[name] = environ[name]
    file = environ.get(f"{name}_FILE")
    if file is not None:
        found[f"{name}_FILE"] = _read(Path(file), f"the file that {name}_FILE names", name)
    folder = environ.get(_FOLDER_VARIABLE)
    if folder:
        place = f"the systemd credential {name.lower()}"
        with suppress(FileNotFoundError):  # systemd may have been given others only
            found[place] = _read(Path(folder, name.lower()), place, name, may_be_missing=True)
    values = {place: _sound(value.strip(), place, name) for place, value in found.items()}
    if not values:
        raise CredentialError(
            f"{name} is missing: it is neither in the environment, nor in a file that {name}_FILE names, "
            f"nor a systemd credential {name.lower()}",
            remedy=f"Set {name} or {name}_FILE",
        )
    if len(set(values.values())) > 1:
        raise CredentialError(
            f"{name} is given with different values by {' and '.join(values)}", remedy="Keep the one that is right"
        )
    return SecretStr(next(iter(values.values())))


def read_reference(reference: str, key: str, environ: Mapping[str, str]) -> SecretStr:
    """The secret that `reference` names, `file:/path` or `credential:name`; `key` is the setting it is for.

    Raises CredentialError as `read_credential` does.
    """
    kind, _, where = reference.partition(":")
    folder = environ.get(_FOLDER_VARIABLE)
    if kind == "credential" and not folder:
        raise CredentialError(f"{key} names a systemd credential, and systemd gave none", remedy="Name a file instead")
    place = "the place it names"
    file = Path(folder or "", where) if kind == "credential" else Path(where)
    return SecretStr(_sound(_read(file, place, key).strip(), place, key))


def _read(file: Path, place: str, name: str, *, may_be_missing: bool = False) -> str:
    """The file's text; its path is not repeated: someone may have put the secret itself where the path belongs."""
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("ascii")
    except UnicodeDecodeError:
        problem = "it holds bytes that are not ASCII"
    except (OSError, ValueError) as error:
        if may_be_missing and isinstance(error, FileNotFoundError):
            raise
        problem = getattr(error, "strerror", None) or "no file can have that name"
    raise CredentialError(
        f"{name} cannot be read from {place}: {problem}", remedy="Name a file that this user may read"
    ) from None


def _sound(value: str, place: str, name: str) -> str:
    problem = ""
    if not value:
        problem = "is empty"
    elif len(value.splitlines()) > 1:
        problem = "has several lines"
    elif not value.isascii() or not value.isprintable() or " " in value:
        problem = "has characters that no key has"
    if problem:
        raise CredentialError(f"{name}, given by {place}, {problem}", remedy="Give the key and nothing else")
    return value
