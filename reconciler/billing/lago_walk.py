"""Walks a numbered list of Lago to its end and says whether every row was seen, although rows move meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic

from reconciler.billing.crew import Hands, OneByOne
from reconciler.billing.lago_wire import Page, Row
from reconciler.model.observation import ListProof

_WALKS = 3
Fetch = Callable[[int], Page[Row]]


class Walk(Generic[Row]):
    """One reading of one list, walked again where a walk proves nothing, up to three times in all.

    What `fetch` raises goes through, with the rows so far in `rows`.
    """

    def __init__(self, fetch: Fetch[Row], *, key: Callable[[Row], str], what: str, newest_first: bool = False) -> None:
        """`fetch` gives a page by its number, from 1; `newest_first` says that new rows stand before all others."""
        self._fetch = fetch
        self._key = key
        self._what = what
        self._newest_first = newest_first
        self._last = _Once(fetch, key=key, what=what)
        self._pages = 0

    def run(self, hands: Hands) -> list[str]:
        """Walk, and return nothing where every row was seen, else what is not proven, in words."""
        problem: str | None = None
        for _ in range(_WALKS):
            self._pages += self._last.answers
            self._last = _Once(self._fetch, key=self._key, what=self._what)
            problem = self._last.run(hands, newest_first=self._newest_first)
            if problem is None:
                return []
        return [] if problem is None else [problem]

    def rows(self) -> dict[str, Row]:
        """The rows of the last walk, in the list's order."""
        return self._last.rows()

    def proof(self) -> ListProof:
        """How the list was read."""
        ids = list(self.rows())
        return ListProof(
            name=self._what,
            rows=len(ids),
            pages=self._pages + self._last.answers,
            counted=self._last.total,
            first_id=ids[0] if ids else "",
            last_id=ids[-1] if ids else "",
        )


def walk(fetch: Fetch[Row], rows: dict[str, Row], *, key: Callable[[Row], str], what: str) -> list[str]:
    """Fill `rows` by `key`, a page at a time, and return nothing where every row was seen, else why not, in words.

    What `fetch` raises goes through, with the rows so far in `rows`.
    """
    whole = Walk(fetch, key=key, what=what)
    try:
        return whole.run(OneByOne())
    finally:
        rows.update(whole.rows())


@dataclass(frozen=True, slots=True)
class _Ask:
    """A page, asked for when the list was already known to count `known_total`."""

    number: int
    known_total: int


class _Once(Generic[Row]):
    """One walk, with several pages in flight where there are hands for them.

    Why no row is missed that is there all along: while nothing leaves a list its total tells its age, and rows only
    move towards its end. Where each page shows the list at least as old as the page before did, no row can have moved
    from behind one to before the other; a page that shows it younger is asked for again at once. Where a total fell
    something left, and the walk proves nothing. Where something left and as much came between two answers, totals
    tell nothing: so of a list on which new rows stand first, read with several pages in flight, the first page is
    asked for again at the end, and must show as many new rows as the total grew by.
    """

    def __init__(self, fetch: Fetch[Row], *, key: Callable[[Row], str], what: str) -> None:
        self._fetch = fetch
        self._key = key
        self._what = what
        self._pages: dict[int, Page[Row]] = {}
        self._asked = 0  # the highest number
        self._again: set[int] = set()  # pages that showed the list younger than the page before did
        self._end: int | None = None  # the page that nothing follows
        self._waiting: set[int] = set()
        self._abreast = False
        self.total = 0  # the highest that any page told
        self.answers = 0

    def rows(self) -> dict[str, Row]:
        pages = (self._pages[number] for number in sorted(self._pages))
        return {self._key(row): row for page in pages for row in page.rows}

    def run(self, hands: Hands, *, newest_first: bool) -> str | None:
        problem: str | None = None
        while True:
            while problem is None and hands.free and (number := self._next()) is not None:
                self._give(hands, number)
            if not self._waiting:
                break
            problem = self._take(hands) or problem
        if problem is None and self._abreast and newest_first:
            problem = self._look_again(hands)
        seen = 0 if problem else len(self.rows())
        if problem is None and seen < self._pages[1].meta.total_count:
            return f"Lago counts {self._pages[1].meta.total_count} {self._what} and showed {seen}"
        return problem

    def _give(self, hands: Hands, number: int) -> None:
        self._abreast = self._abreast or bool(self._waiting)
        self._asked = max(self._asked, number)
        self._waiting.add(number)
        hands.give(_Ask(number, known_total=self.total), partial(self._fetch, number))

    def _take(self, hands: Hands) -> str | None:
        ask, page = hands.take()
        self._waiting.discard(ask.number)
        self.answers += 1
        return self._take_in(ask, page)

    def _next(self) -> int | None:
        """The number of the page to ask for now."""
        if not self._pages:
            return None if self._waiting else 1
        if self._again:
            number = min(self._again)
            self._again.remove(number)
            return number
        if self._end is not None:
            return None
        foreseen = self._asked < self._pages[1].meta.total_pages
        return self._asked + 1 if foreseen or self._asked in self._pages else None

    def _take_in(self, ask: _Ask, page: Page[Row]) -> str | None:
        number, total = ask.number, page.meta.total_count
        if total < ask.known_total:
            return f"Lago's list of {self._what} shrank from {ask.known_total} to {total} while it was read"
        self.total = max(self.total, total)
        self._pages[number] = page
        if page.meta.next_page is None:
            self._end = number if self._end is None else min(self._end, number)
        elif self._end == number:
            self._end = None
        if not page.rows and page.meta.next_page is not None:
            return f"Lago sent an empty page {number} of {self._what} and said that more follow"
        cap = 2 * self._pages[1].meta.total_pages + 10
        if page.meta.next_page is not None and (number >= cap or self.answers >= 2 * cap):
            return f"Lago's list of {self._what} did not end after {self.answers} pages"
        for each in (number, number + 1):
            if self._is_younger(each) and each not in self._waiting:
                self._again.add(each)
        return None

    def _is_younger(self, number: int) -> bool:
        """Whether page `number` shows the list at a younger age than the page before it does."""
        before, page = self._pages.get(number - 1), self._pages.get(number)
        return before is not None and page is not None and page.meta.total_count < before.meta.total_count

    def _look_again(self, hands: Hands) -> str | None:
        first, grown_from = self._pages[1].rows[0], self._pages[1].meta.total_count
        hands.give(_Ask(1, known_total=self.total), partial(self._fetch, 1))
        _, page = hands.take()
        self.answers += 1
        fresh = [self._key(row) for row in page.rows]
        grown = page.meta.total_count - grown_from
        if self._key(first) in fresh and fresh.index(self._key(first)) == grown:
            return None
        return f"Lago's list of {self._what} lost rows while it was read, as many as came"
