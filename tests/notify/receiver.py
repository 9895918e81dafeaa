"""A receiver of messages on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request, Response


@dataclass(slots=True)
class Received:
    """What came in by POST, and how often the ping did."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    pings: int = 0

    def __call__(self, request: Request) -> Response:
        if request.path == "/ping":
            self.pings += 1
        else:
            self.messages.append(json.loads(request.get_data()))
        return Response("ok")

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]
