"""How the sandbox Lago answers: JSON as Rails writes it, and the refusals with the bodies of a real server."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Request, Response

_JSON = "application/json; charset=utf-8"
_OUTER_JSON = "application/json; charset=UTF-8"  # where the framework answers before or instead of the application
_ESCAPED = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


class RefusedError(Exception):
    """A request is answered with an error; nothing but what its text says was done."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        """Answer with `status` and `body`."""
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def not_found(resource: str) -> RefusedError:
    """404: there is no such resource."""
    return RefusedError(404, {"status": 404, "error": "Not Found", "code": f"{resource}_not_found"})


def invalid(details: dict[str, Any]) -> RefusedError:
    """422: `details` holds a list of codes per field."""
    return RefusedError(
        422,
        {"status": 422, "error": "Unprocessable Entity", "code": "validation_errors", "error_details": details},
    )


def forbidden(code: str) -> RefusedError:
    """403: the licence or the key does not cover it."""
    return RefusedError(403, {"status": 403, "error": "Forbidden", "code": code})


def not_allowed(code: str) -> RefusedError:
    """405: the state of the row does not permit it."""
    return RefusedError(405, {"status": 405, "error": "Method Not Allowed", "code": code})


def unauthorized() -> RefusedError:
    """401: no key, or not one of ours."""
    return RefusedError(401, {"status": 401, "error": "Unauthorized"})


def root_missing(root: str) -> RefusedError:
    """400: the body has no such root, is empty or was not sent as JSON."""
    text = f"BadRequest: param is missing or the value is empty or invalid: {root}"
    return RefusedError(400, {"status": 400, "error": text})


def crashed() -> RefusedError:
    """500: the server failed; what it did before that stays done."""
    return RefusedError(500, {"status": 500, "error": "Internal Server Error"})


def bad_json(request: Request) -> Response:
    """400 for a body that does not parse: with a body only for who accepts JSON by name."""
    if "application/json" in request.headers.get("Accept", ""):
        answer = Response('{"status":400,"error":"Bad Request"}', status=400, content_type=_OUTER_JSON)
    else:
        answer = Response("", status=400, content_type="text/html; charset=UTF-8")
    return _finish(request, answer)


def refusal(request: Request, refused: RefusedError) -> Response:
    """The answer that a refusal stands for."""
    failed = refused.status == HTTPStatus.INTERNAL_SERVER_ERROR
    answer = Response(_dump(refused.body), status=refused.status, content_type=_OUTER_JSON if failed else _JSON)
    if not failed:
        answer.headers["Cache-Control"] = "no-cache"
    return _finish(request, answer)


def success(request: Request, body: dict[str, Any] | str) -> Response:
    """200 with an ETag, or 304 when the asker holds the same bytes; a `str` is sent as plain text."""
    if isinstance(body, str):
        answer = Response(body, content_type="text/plain; charset=utf-8")
    else:
        answer = Response(_dump(body), content_type=_JSON)
    tag = f'W/"{hashlib.sha256(answer.get_data()).hexdigest()[:32]}"'
    if request.method == "GET" and request.headers.get("If-None-Match") == tag:
        answer = Response(status=304)
    answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "max-age=0, private, must-revalidate"
    return _finish(request, answer)


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)


def _finish(request: Request, answer: Response) -> Response:
    asked = re.sub(r"[^A-Za-z0-9_@-]", "", request.headers.get("X-Request-Id", ""))
    answer.headers["X-Request-Id"] = asked[:255] or str(uuid.uuid4())
    answer.headers["Vary"] = "Origin"
    return answer
