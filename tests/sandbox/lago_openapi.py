"""Lago's OpenAPI file as a judge of answers: which fields of a body break the schema of its route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from sandbox.lago_recordings import SHARED

FILE = SHARED / "specs" / "lago-openapi.yaml"


class OpenApi:
    """The routes and schemas of the file; reading it takes about a second."""

    def __init__(self) -> None:
        spec = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        self._components = spec["components"]
        self._routes = [
            (re.compile(re.sub(r"\{code\}", ".+", re.sub(r"\{(?!code)[^}]+\}", "[^/]+", path))), operations)
            for path, operations in sorted(spec["paths"].items(), key=lambda entry: str(entry[0]).count("{"))
        ]

    def violations(self, method: str, target: str, status: int, body: Any) -> list[tuple[str, Any]] | None:
        """The fields that break the schema, by last name and with their value; None where the file has no schema."""
        response = self._response(method, target, status)
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return None
        validator = Draft202012Validator({"components": self._components, **schema})
        return [(self._name(error.absolute_path), error.instance) for error in validator.iter_errors(body)]

    def _response(self, method: str, target: str, status: int) -> dict[str, Any]:
        path = target.partition("?")[0].removeprefix("/api/v1").rstrip("/")
        for operation in self._operations(method, path):
            response: dict[str, Any] = operation["responses"].get(str(status), {})
            if "$ref" in response:
                response = self._components["responses"][response["$ref"].rpartition("/")[2]]
            return response
        return {}

    def _operations(self, method: str, path: str) -> Iterator[dict[str, Any]]:
        for pattern, operations in self._routes:
            if method.lower() in operations and pattern.fullmatch(path):
                yield operations[method.lower()]

    @staticmethod
    def _name(path: Any) -> str:
        return next((str(part) for part in reversed(path) if isinstance(part, str)), "")
