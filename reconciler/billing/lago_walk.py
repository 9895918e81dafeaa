"""Walks a numbered list of Lago to its end and says whether every row was seen, although rows move meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.billing.lago_wire import Page, Row

_WALKS = 3


def walk(fetch: Callable[[int], Page[Row]], rows: dict[str, Row], *, key: Callable[[Row], str], what: str) -> list[str]:
    """Fill `rows` by `key` and return nothing where every row was seen, else what is not proven, in words.

    A walk during which the list shrank is walked again, up to three times in all; `rows` then holds the last one.
    What `fetch` raises goes through, with the rows so far in `rows`.
    """
    problem: str | None = None
    for _ in range(_WALKS):
        rows.clear()
        problem = _once(fetch, rows, key=key, what=what)
        if problem is None:
            break
    return [] if problem is None else [problem]


def _once(
    fetch: Callable[[int], Page[Row]], rows: dict[str, Row], *, key: Callable[[Row], str], what: str
) -> str | None:
    number, first_total, last_total, cap = 1, 0, 0, 0
    while True:
        page = fetch(number)
        total = page.meta.total_count
        if number == 1:
            first_total, cap = total, 2 * page.meta.total_pages + 10
        elif total < last_total:
            return f"Lago's list of {what} shrank from {last_total} to {total} while it was read"
        last_total = total
        rows.update((key(row), row) for row in page.rows)
        if page.meta.next_page is None:
            break
        if not page.rows:
            return f"Lago sent an empty page {number} of {what} and said that more follow"
        if number >= cap:
            return f"Lago's list of {what} did not end after {number} pages"
        number += 1
    if len(rows) < first_total:
        return f"Lago counts {first_total} {what} and showed {len(rows)}"
    return None
