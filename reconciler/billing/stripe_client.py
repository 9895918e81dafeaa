"""Asks Stripe through its library for auth, transport and errors, and parses the bytes of the answers itself."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any, TypeVar

import stripe
from pydantic import BaseModel, ValidationError

from reconciler.billing.asking import (
    Caller,
    GarbledError,
    OutageError,
    Tally,
    TryAgainError,
    asked_wait,
    why_unreachable,
)
from reconciler.billing.read_only import only_get
from reconciler.billing.stripe_wire import WireRefusal
from reconciler.errors import CredentialError, NotThatSourceError, SourceRefusedError

_KEY = re.compile(r"(?:sk|rk)_(?:org_)?(live|test)_[\x21-\x7e]+")
_PERMISSION = re.compile(r"rak_[a-z_]+")
_RETRIED = frozenset({408, 409, 425, 429})
_OK, _UNAUTHORIZED, _FORBIDDEN, _SERVER_ERROR = 200, 401, 403, 500

Model = TypeVar("Model", bound=BaseModel)


class _BytesTransport(stripe.RequestsClient):
    """Sends GET only, keeps the bytes of a success for the asking thread, and gives the library an empty object.

    Building its objects costs the library over 1 ms a subscription; parsing the bytes costs a hundredth of that.
    """

    def __init__(self, *, timeout: tuple[float, float]) -> None:
        super().__init__(timeout=timeout)
        self._kept = threading.local()

    def request(  # type: ignore[override]  # the library's own RequestsClient has this signature too
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        only_get(method)
        body, status, answered = super().request(method, url, headers, post_data)
        if status != _OK:
            # The library breaks on an error body of another make than Stripe's, and loses the headers with it.
            return body if _is_error(body) else b'{"error":{}}', status, answered
        self._kept.body = body
        return b"{}", status, answered

    def take(self) -> bytes:
        """The body of this thread's last success."""
        body: bytes = self._kept.body
        del self._kept.body
        return body


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
        caller: Caller,
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
        self._caller = caller
        self._transport = _BytesTransport(timeout=(connect_timeout_s, read_timeout_s))
        self._stripe = stripe.StripeClient(
            api_key,
            stripe_account=account or None,
            base_addresses={"api": root},
            max_network_retries=0,  # the one retry policy is ours
            http_client=self._transport,
        )

    def close(self) -> None:
        """Close the connections of this thread."""
        self._transport.close()  # type: ignore[no-untyped-call]  # the library has no type there

    def read(self, path: str, model: type[Model], tally: Tally, **query: Any) -> Model:
        """What Stripe answers to GET `path` with `query`.

        Raises CredentialError for a key that is refused or lacks a permission, which it names where Stripe does.
        """
        return self._caller.call(lambda: self._send(path, model, query), tally)

    def _send(self, path: str, model: type[Model], query: Mapping[str, Any]) -> Model:
        try:
            self._stripe.raw_request("get", path, **query)
        except stripe.StripeError as error:
            # Neither message nor cause goes on: they may quote keys and what was sent.
            raise self._refusal(error, path) from None
        try:
            return model.model_validate_json(self._transport.take())
        except ValidationError:
            raise GarbledError(f"Stripe at {self.host} sent something else than its API's JSON") from None

    def _refusal(self, error: stripe.StripeError, path: str) -> Exception:
        status = error.http_status
        if status is None:
            return TryAgainError(f"Stripe at {self.host} cannot be read: {why_unreachable(error)}")
        if status in _RETRIED or status >= _SERVER_ERROR:
            headers: Mapping[str, str] = error.headers or {}
            problem = f"Stripe at {self.host} answered {status}"
            if headers.get("Stripe-Should-Retry") == "false":
                return OutageError(problem)
            return TryAgainError(problem, wait_s=asked_wait(headers))
        if status == _UNAUTHORIZED:
            return CredentialError(
                f"Stripe at {self.host} refuses the API key", remedy="Set STRIPE_API_KEY to a key that is not revoked"
            )
        if status == _FORBIDDEN:
            return _forbidden(error, path)
        return SourceRefusedError(
            f"Stripe at {self.host} answered {status}", status=status, remedy="Run again; report it if it stays"
        )


def _is_error(body: bytes) -> bool:
    try:
        WireRefusal.model_validate_json(body)
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
    remedy = f"Set STRIPE_API_KEY to a restricted key of {mode} mode (rk_{mode}_...), or [billing] livemode to match"
    if api_key.startswith("pk_"):
        raise CredentialError("The Stripe API key is a publishable key, which reads nothing", remedy=remedy)
    parts = _KEY.fullmatch(api_key)
    if parts is None:
        raise CredentialError("The Stripe API key is empty or no secret or restricted key", remedy=remedy)
    if parts[1] != mode:
        raise CredentialError(f"The Stripe API key is of {parts[1]} mode, configured is {mode} mode", remedy=remedy)
