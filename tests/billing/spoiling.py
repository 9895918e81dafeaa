"""Puts a lie or a change of the world between a sandbox and who reads it, at the page of the list that a test names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.wrappers import Request, Response

from reconciler.sandbox.server import LoopbackServer

Json = dict[str, Any]


@contextmanager
def lying(
    application: Callable[[Request], Response], *, target: str, lie: Callable[[Json], None], times: int | None
) -> Iterator[LoopbackServer]:
    """As `application`, but `times` answers to what `target` matches (None: all) are changed by `lie`."""
    left = [times]

    def answer(request: Request) -> Response:
        truth = application(request)
        if left[0] == 0 or not re.search(target, request.full_path):
            return truth
        if left[0] is not None:
            left[0] -= 1
        body: Json = json.loads(truth.get_data())
        lie(body)
        return Response(json.dumps(body), content_type="application/json")

    with LoopbackServer(answer) as server:
        yield server


@contextmanager
def moving(
    application: Callable[[Request], Response], changes: dict[int, Callable[[], object]]
) -> Iterator[LoopbackServer]:
    """As `application`, whose world undergoes the change of that number before it answers each request, from 1."""
    count = [0]

    def answer(request: Request) -> Response:
        count[0] += 1
        changes.get(count[0], lambda: None)()
        return application(request)

    with LoopbackServer(answer) as server:
        yield server
