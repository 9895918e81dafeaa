"""Asks Stripe through its library for auth, transport and errors, and parses the bytes of the answers itself."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import requests
import stripe
import urllib3
from pydantic import ValidationError

from reconciler.billing.asking import (
    DROPS,
    MOST_IN_FLIGHT,
    GarbledError,
    OutageError,
    TryAgainError,
    asked_wait,
    why_unreachable,
)
from reconciler.billing.network import Asking
from reconciler.billing.read_only import only_get
from reconciler.billing.stripe_wire import WireRefusal
from reconciler.billing.tally import Tally
from reconciler.billing.wire import parse
from reconciler.errors import CredentialError, NotThatSourceError, SourceRefusedError

API_VERSION: str = stripe.api_version  # the one that the library pins, and sends
_KEY = re.compile(r"(?:sk|rk)_(?:org_)?(live|test)_[\x21-\x7e]+")
_PERMISSION = re.compile(r"rak_[a-z_]+")
_RETRIED = frozenset({408, 409, 425, 429})
_DROP = 1 << 16
_NO_RATE = "resource-specific"  # a limit of one object, which slower requests to others do not help
_OK, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 200, 401, 403, 429, 500

Model = TypeVar("Model")


class _BytesTransport(stripe.RequestsClient):
    """Sends GET only, keeps the bytes of a success for the asking thread, and gives the library an empty object.

    Building its objects costs the library over 1 ms a subscription; parsing the bytes costs a hundredth of that. All
    threads share the connections of one session.
    """

    def __init__(self, *, timeout: tuple[float, float]) -> None:
        self._connections = requests.Session()
        for scheme in ("http://", "https://"):
            self._connections.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=MOST_IN_FLIGHT))
        super().__init__(timeout=timeout, session=self._connections)
        self._answer_timeout_s = DROPS * timeout[1]
        self._kept = threading.local()

    def request(  # type: ignore[override]  # the library's own RequestsClient has this signature too
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        only_get(method)
        must_end_by = time.monotonic() + self._answer_timeout_s
        stream, status, answered = self.request_stream(method, url, headers, post_data)
        body = _whole(stream, must_end_by=must_end_by)
        if status != _OK:
            # The library breaks on an error body of another make than Stripe's, and loses the headers with it.
            return body if _is_error(body) else b'{"error":{}}', status, answered
        self._kept.answer = body, answered
        return b"{}", status, answered

    def take(self) -> tuple[bytes, Mapping[str, str]]:
        """Body and headers of this thread's last success."""
        answer: tuple[bytes, Mapping[str, str]] = self._kept.answer
        del self._kept.answer
        return answer

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()


def _broken(how: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(how)  # type: ignore[no-untyped-call]  # the library has no type there


def _whole(stream: urllib3.BaseHTTPResponse, *, must_end_by: float) -> bytes:
    """The body; a timeout where it comes drop by drop, each of them in time."""
    drops = []
    try:
        while drop := stream.read1(_DROP, decode_content=True):
            drops.append(drop)
            if time.monotonic() > must_end_by:
                stream.close()
                raise _broken("it came drop by drop") from TimeoutError()
    except urllib3.exceptions.HTTPError as error:
        stream.close()
        raise _broken("it broke off") from error
    finally:
        stream.release_conn()
    return b"".join(drops)


class StripeClient:
    """One Stripe account in one mode; sends GET only.

    Raises CredentialError for a key that is no secret or restricted key, or not of `livemode`; nothing was sent then.
    """

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        livemode: bool,
        account: str,
        asking: Asking,
        connect_timeout_s: float,
        read_timeout_s: float,
    ) -> None:
        check_key(api_key, livemode=livemode)
        root = url.strip().rstrip("/").removesuffix("/v1")
        scheme, _, rest = root.partition("://")
        if scheme not in ("http", "https") or not rest:
            raise NotThatSourceError(
                "The address of Stripe is no http address", remedy="Set [stripe] url to https://api.stripe.com"
            )
        self.host = rest.partition("/")[0].rpartition("@")[2]
        # There is no such switch per client; left on, the library writes an id into the user's home and sends it.
        stripe.enable_telemetry = False
        self._asking = asking
        self._transport = _BytesTransport(timeout=(connect_timeout_s, read_timeout_s))
        self._stripe = stripe.StripeClient(
            api_key,
            stripe_account=account or None,
            base_addresses={"api": root},
            max_network_retries=0,  # the one retry policy is ours
            http_client=self._transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def read(self, path: str, model: type[Model], tally: Tally, **query: Any) -> Model:
        """What Stripe answers to GET `path` with `query`.

        Raises CredentialError for a key that is refused or lacks a permission, which it names where Stripe does.
        """
        question = f"{path}?{json.dumps(query, sort_keys=True)}"
        return self._asking.ask(
            question, lambda: self._fetch(path, query), lambda body: self._understood(model, body), tally
        )

    def _fetch(self, path: str, query: Mapping[str, Any]) -> bytes:
        try:
            self._stripe.raw_request("get", path, **query)
        except stripe.StripeError as error:
            # Neither message nor cause goes on: they may quote keys and what was sent.
            raise self._refusal(error, path) from None
        body, headers = self._transport.take()
        self._asking.heed(headers)
        return body

    def _understood(self, model: type[Model], body: bytes) -> Model:
        try:
            return parse(model, body)
        except ValidationError:
            raise GarbledError(f"Stripe at {self.host} sent something else than its API's JSON") from None

    def _refusal(self, error: stripe.StripeError, path: str) -> Exception:
        status = error.http_status
        if status is None:
            return TryAgainError(f"Stripe at {self.host} cannot be read: {why_unreachable(error)}")
        headers: Mapping[str, str] = error.headers or {}
        advice = headers.get("Stripe-Should-Retry")
        if status in _RETRIED or status >= _SERVER_ERROR or advice == "true":
            problem = f"Stripe at {self.host} answered {status}"
            if advice == "false":
                return OutageError(problem)
            return TryAgainError(problem, wait_s=asked_wait(headers), too_fast=_too_fast(error, headers))
        if status == _UNAUTHORIZED:
            return CredentialError(
                f"Stripe at {self.host} refuses the API key", remedy="Set STRIPE_API_KEY to a key that is not revoked"
            )
        if status == _FORBIDDEN:
            return _forbidden(error, path)
        return SourceRefusedError(
            f"Stripe at {self.host} answered {status}", status=status, remedy="Run again; report it if it stays"
        )


def _too_fast(error: stripe.StripeError, headers: Mapping[str, str]) -> bool:
    """Whether the account's or endpoint's rate or concurrency was passed, not the lock or limit of one object."""
    if error.http_status != _TOO_MANY or headers.get("Stripe-Rate-Limited-Reason") == _NO_RATE:
        return False
    return error.error is None or error.error.code != "lock_timeout"


def _is_error(body: bytes) -> bool:
    try:
        parse(WireRefusal, body)
    except ValidationError:
        return False
    return True


def _forbidden(error: stripe.StripeError, path: str) -> CredentialError:
    # The library leaves `error.code` empty at 403.
    if error.error is not None and error.error.code == "account_invalid":
        return CredentialError(
            "The Stripe API key has no access to the configured account",
            remedy="Set [stripe] account to one that the key may read, or leave it empty",
        )
    named = _PERMISSION.search(error.user_message or "")
    kind = path.removeprefix("/v1/").partition("/")[0]
    return CredentialError(
        f"The Stripe API key may not read {kind}",
        remedy=f"Give the restricted key the permission {named[0] if named else f'to read {kind}'}",
    )


def check_key(api_key: str, *, livemode: bool) -> None:
    """Raise CredentialError unless `api_key` is a secret or restricted key of the mode."""
    mode = "live" if livemode else "test"
    # Without the underscore that follows there, or the beginning would be redacted as a key itself.
    begins = f"begins with rk_{mode}"
    remedy = f"Set STRIPE_API_KEY to a restricted key of {mode} mode ({begins}), or [billing] livemode to match"
    if api_key.startswith("pk_"):
        raise CredentialError("The Stripe API key is a publishable key, which reads nothing", remedy=remedy)
    parts = _KEY.fullmatch(api_key)
    if parts is None:
        raise CredentialError("The Stripe API key is empty or no secret or restricted key", remedy=remedy)
    if parts[1] != mode:
        raise CredentialError(f"The Stripe API key is of {parts[1]} mode, configured is {mode} mode", remedy=remedy)
