"""Asks Lago's REST API and turns every way in which that can go wrong into this product's errors."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import ValidationError

from reconciler.billing.asking import DROPS, GarbledError, OutageError, TryAgainError, asked_wait, why_unreachable
from reconciler.billing.lago_wire import Health, One, Page, Refusal, Row, WireOrganization
from reconciler.billing.network import Asking
from reconciler.billing.read_only import only_get
from reconciler.billing.tally import Tally
from reconciler.billing.wire import parse
from reconciler.errors import CredentialError, NotThatSourceError, SourceRefusedError

PAGE_SIZE = 100

_RETRIED = frozenset({408, 409, 425, 429})
_KEY = re.compile(r"[\x21-\x7e]+")
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")

Params = Sequence[tuple[str, str]]
Model = TypeVar("Model")


class LagoRefusedError(SourceRefusedError):
    """A 4xx answer; `code` is Lago's own, such as `customer_not_found`, and `fields` are those it complains of."""

    def __init__(self, problem: str, *, status: int, code: str, fields: frozenset[str]) -> None:
        super().__init__(problem, status=status, remedy="Report it with Lago's version; nothing of it is a setting")
        self.code = code
        self.fields = fields


def path_part(external_id: str) -> str:
    """`external_id` as one part of a path; Lago's router would stop at a bare dot (facts: `/customers/acme.com`)."""
    return quote(external_id, safe="").replace(".", "%2E")


class LagoClient:
    """One Lago organisation over HTTP; sends GET only. `url` may end in `/api/v1` or a slash or not.

    Raises CredentialError for a key that no request could carry and NotThatSourceError for a `url` that is none.
    """

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        asking: Asking,
        connect_timeout_s: float,
        read_timeout_s: float,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._root = _root(url)
        self._host = self._root.partition("://")[2].partition("/")[0].rpartition("@")[2]
        if not _KEY.fullmatch(api_key):
            raise CredentialError(
                "The Lago API key is empty or holds blanks or characters that no key has",
                remedy="Set LAGO_API_KEY to the key that Lago shows under Developers, API keys",
            )
        self._asking = asking
        self._page_size: int | None = page_size
        self._http = httpx.Client(
            # Not a transport of our own: that would switch off the proxies which the environment names.
            event_hooks={"request": [lambda request: only_get(request.method)]},
            headers={"Authorization": f"Bearer {api_key}", "Accept": "application/json"},
            timeout=httpx.Timeout(read_timeout_s, connect=connect_timeout_s),
        )
        self._answer_timeout_s = DROPS * read_timeout_s

    @property
    def page_size(self) -> int | None:
        """Rows of a full page; None where the server's own size is used, which it does not tell."""
        return self._page_size

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def version(self, tally: Tally) -> tuple[int, int, int]:
        """The server's version; the oldest there can be, (0, 0, 0), where it does not say."""
        try:
            health = self._read(f"{self._root}/health", Health, tally)
        except (SourceRefusedError, CredentialError, NotThatSourceError, GarbledError):
            return (0, 0, 0)
        said = _VERSION.match(health.version)
        return (int(said[1]), int(said[2]), int(said[3] or 0)) if said else (0, 0, 0)

    def organization(self, tally: Tally) -> WireOrganization:
        """The organisation the key belongs to; raises SetupError where key or address is at fault."""
        try:
            return self.one("/organizations", One[WireOrganization], tally).row
        except (LagoRefusedError, GarbledError) as error:
            raise NotThatSourceError(
                f"{self._host} answers, but not as a Lago does", remedy="Set [lago] url to the address of Lago's API"
            ) from error

    def one(self, path: str, model: type[Model], tally: Tally, params: Params = ()) -> Model:
        """One object below /api/v1."""
        return self._read(f"{self._root}/api/v1{path}", model, tally, params)

    def page(self, path: str, model: type[Page[Row]], tally: Tally, *, number: int, params: Params = ()) -> Page[Row]:
        """Page `number`, counted from 1, of a list below /api/v1."""
        try:
            page = self.one(path, model, tally, self._paging(number, params))
        except LagoRefusedError as error:
            if self._page_size is None or error.status != httpx.codes.UNPROCESSABLE_ENTITY or number != 1:
                raise
            if "per_page" not in error.fields:
                raise
            self._page_size = None  # the server's own size, which from 1.56 on may be capped below ours
            page = self.one(path, model, tally, self._paging(number, params))
        tally.saw_page(rows=len(page.rows), of=f"{path}?{params}", counted=page.meta.total_count)
        return page

    def count(self, path: str, model: type[Page[Row]], tally: Tally, params: Params = ()) -> Page[Row]:
        """The first row of a list, and in `meta` how many there are."""
        page = self.one(path, model, tally, (("per_page", "1"), *params))
        tally.count(pages=1)
        return page

    def _paging(self, number: int, params: Params) -> Params:
        size = [] if self._page_size is None else [("per_page", str(self._page_size))]
        return [*size, *([("page", str(number))] if number > 1 else []), *params]

    def _read(self, url: str, model: type[Model], tally: Tally, params: Params = ()) -> Model:
        question = f"{url.removeprefix(self._root)}?{urlencode(params)}"
        return self._asking.ask(
            question, lambda: self._fetch(url, params), lambda body: self._understood(model, body), tally
        )

    def _fetch(self, url: str, params: Params) -> bytes:
        try:
            answer = self._get(url, params)
        except httpx.TransportError as error:
            raise TryAgainError(f"Lago at {self._host} cannot be read: {why_unreachable(error)}") from error
        except httpx.HTTPError as error:
            raise GarbledError(f"Lago at {self._host} sent an answer that cannot be decoded") from error
        if answer.status_code != httpx.codes.OK:
            raise self._refusal(answer)
        self._asking.heed(answer.headers)
        return answer.content

    def _understood(self, model: type[Model], body: bytes) -> Model:
        try:
            return parse(model, body)
        except ValidationError:
            # The reason would quote what was sent, personal data included.
            raise GarbledError(f"Lago at {self._host} sent something else than its API's JSON") from None

    def _get(self, url: str, params: Params) -> httpx.Response:
        """The whole answer; a timeout where it comes drop by drop, each of them in time."""
        must_end_by = time.monotonic() + self._answer_timeout_s
        with self._http.stream("GET", url, params=list(params)) as answer:
            drops = []
            for drop in answer.iter_raw():
                drops.append(drop)
                if time.monotonic() > must_end_by:
                    raise httpx.ReadTimeout("") from TimeoutError()
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=b"".join(drops), request=answer.request
            )

    def _refusal(self, answer: httpx.Response) -> Exception:
        status = answer.status_code
        path = answer.url.path
        if status in _RETRIED or answer.is_server_error:
            return TryAgainError(
                f"Lago at {self._host} answered {status}",
                wait_s=asked_wait(answer.headers),
                too_fast=status == httpx.codes.TOO_MANY_REQUESTS,
            )
        if answer.is_redirect:
            return NotThatSourceError(
                f"{self._host} sends requests on to another address", remedy="Set [lago] url to the address it names"
            )
        if status == httpx.codes.UNAUTHORIZED:
            return CredentialError(
                f"Lago at {self._host} refuses the API key",
                remedy="Set LAGO_API_KEY to a key of this Lago, or [lago] url to the Lago that the key is of",
            )
        if status == httpx.codes.FORBIDDEN:
            kind = path.rpartition("/api/v1/")[2].partition("/")[0].removesuffix("s")
            return CredentialError(
                f"The Lago API key may not read {kind}s", remedy=f"Give it the permission to read `{kind}`"
            )
        if answer.is_client_error:
            return _refused(self._host, answer)
        return OutageError(f"Lago at {self._host} answered {status}")


def _refused(host: str, answer: httpx.Response) -> LagoRefusedError:
    try:
        refusal = parse(Refusal, answer.content)
    except ValidationError:
        refusal = Refusal()
    details = refusal.error_details
    fields = frozenset(str(name) for name in details) if isinstance(details, dict) else frozenset[str]()
    return LagoRefusedError(
        f"Lago at {host} answered {answer.status_code}", status=answer.status_code, code=refusal.code, fields=fields
    )


def _root(url: str) -> str:
    root = url.strip().rstrip("/").removesuffix("/api/v1").rstrip("/")
    try:
        parsed = httpx.URL(root)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise NotThatSourceError(
            "The address of Lago is no http address", remedy="Set [lago] url, for example to https://lago.example.com"
        )
    return root
