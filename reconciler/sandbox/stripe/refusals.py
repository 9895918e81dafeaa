"""Stripe's error answers: bodies, status codes and headers, and the faults that script its rate limits."""

from __future__ import annotations

import json

from reconciler.sandbox.server import Fault
from reconciler.sandbox.stripe.objects import Json

_NOUNS = {"subscription_item": "subscription item", "subscription_schedule": "subscription schedule"}


class Refusal(Exception):  # noqa: N818 - an answer to give, not a failure of the sandbox
    """An error answer; raised where the request is read, given where it is answered."""

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        """Refuse with an `invalid_request_error`."""
        super().__init__(message)
        self.status = status
        self.error: Json = {"message": message, "type": "invalid_request_error"}
        if code is not None:
            self.error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param is not None:
            self.error["param"] = param


def missing(kind: str, object_id: str, *, param: str = "id") -> Refusal:
    """No such object: 404 where the path names it, 400 where a parameter does."""
    return Refusal(
        404 if param == "id" else 400,
        f"No such {_NOUNS.get(kind, kind)}: '{object_id}'",
        code="resource_missing",
        param=param,
    )


def body(error: Json) -> str:
    """The JSON text of an error answer."""
    return json.dumps({"error": dict(sorted(error.items()))})


def rate_limited(*, reason: str = "global-rate", target: str = "", times: int | None = 1) -> Fault:
    """A fault that answers 429 with `Stripe-Rate-Limited-Reason`: global- or endpoint-, then rate or concurrency."""
    error = {
        "code": "rate_limit",
        "doc_url": "https://stripe.com/docs/error-codes/rate-limit",
        "message": "Request rate limit exceeded. You can learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
        "type": "invalid_request_error",
    }
    return Fault(
        target=target,
        times=times,
        status=429,
        body=body(error),
        headers={"Request-Id": "req_ratelimited", "Stripe-Rate-Limited-Reason": reason},
    )


def lock_timeout(*, target: str = "", times: int | None = 1) -> Fault:
    """A fault that answers 429 because another request holds the object; it has no rate limit header."""
    error = {
        "code": "lock_timeout",
        "doc_url": "https://stripe.com/docs/error-codes/lock-timeout",
        "message": "This object cannot be accessed right now because another API request or Stripe process is "
        "currently accessing it. If you see this error intermittently, retry the request.",
        "type": "invalid_request_error",
    }
    return Fault(target=target, times=times, status=429, body=body(error), headers={"Request-Id": "req_locked"})
