"""Decides what the key of a request may do: secret keys everything, restricted keys what they were given."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping

from werkzeug.wrappers import Request

from reconciler.sandbox.stripe.refusals import Refusal

_PERMISSION_OF = {
    "coupon": "rak_coupon",
    "customer": "rak_customer",
    "invoice": "rak_invoice",
    "price": "rak_plan",
    "product": "rak_product",
    "subscription": "rak_subscription",
    "subscription_item": "rak_subscription",
    "subscription_schedule": "rak_subscription_schedule",
}


class Keys:
    """The keys of one account; `livemode` is what the secret key's name says."""

    def __init__(self, *, secret: str, restricted: Mapping[str, Collection[str]], account: str) -> None:
        """Accept `secret` and each restricted key with its permissions; ValueError for keys of two modes."""
        self._mode = "live" if secret.startswith("sk_live_") else "test"
        self.livemode = self._mode == "live"
        if not secret.startswith(f"sk_{self._mode}_") or any(not k.startswith(f"rk_{self._mode}_") for k in restricted):
            raise ValueError("keys are sk_live_, sk_test_ and restricted ones of the same mode")
        self._secret = secret
        self._restricted = restricted
        self._account = account

    def allow(self, request: Request) -> Granted:
        """What this request's key may do; raises Refusal for a missing (401), wrong (401) or publishable (403) one."""
        key = _key_of(request.headers.get("Authorization", ""))
        if not key:
            raise Refusal(
                401,
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
                "https://stripe.com/docs/api#authentication for details, or we can help at "
                "https://support.stripe.com/.",
            )
        if key.startswith(f"pk_{self._mode}_"):
            raise Refusal(
                403,
                "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
                "list of your API keys at https://dashboard.stripe.com/account/apikeys.",
                code="secret_key_required",
            )
        if key != self._secret and key not in self._restricted:
            raise Refusal(401, f"Invalid API Key provided: {_masked(key)}")
        account = request.headers.get("Stripe-Account", self._account)
        if account != self._account:
            raise Refusal(
                403,
                f"The provided key '{_masked(key)}' does not have access to account '{account}' (or that account does "
                "not exist). Application access may have been revoked.",
                code="account_invalid",
            )
        return Granted(key=key, permissions=self._restricted.get(key), account=account)


class Granted:
    """A key that was accepted."""

    def __init__(self, *, key: str, permissions: Collection[str] | None, account: str) -> None:
        """`permissions` None: all of them."""
        self._key = key
        self._permissions = permissions
        self._account = account

    def need(self, kind: str) -> None:
        """Raise Refusal (403) unless objects of `kind` may be read; a permission to write includes it."""
        stem = _PERMISSION_OF.get(kind)
        if self._permissions is None or stem is None:
            return
        if not {f"{stem}_read", f"{stem}_write"}.isdisjoint(self._permissions):
            return
        raise Refusal(
            403,
            f"The provided key '{_masked(self._key)}' does not have the required permissions for this endpoint on "
            f"account '{self._account}'. Having the '{stem}_read' permission would allow this request to continue.",
        )


def _key_of(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _masked(key: str) -> str:
    """The key's kind and last letters, as Stripe shows a key it names."""
    stem = "_".join(key.split("_")[:2]) + "_" if key.count("_") > 1 else ""
    rest = key[len(stem) :]
    return f"{stem}{'*' * max(0, len(rest) - 4)}{rest[-4:]}"
