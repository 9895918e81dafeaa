"""Reads the parameters of one request as Stripe does, refusing what it would refuse."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from reconciler.sandbox.stripe.refusals import Refusal
from reconciler.sandbox.stripe.table import Span

_MOST_ROWS = 100


class Query:
    """Parameters by name; every method raises Refusal (400) for a value that Stripe does not take."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take the pairs of a query string or form body."""
        self._pairs = list(pairs)
        self._read: set[str] = set()

    def text(self, name: str) -> str | None:
        """The value of `name`; the last one where it is repeated, None where it is absent."""
        self._read.add(name)
        values = [value for key, value in self._pairs if key == name]
        if values and not values[-1]:
            message = (
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
                f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a "
                "non-empty value."
            )
            raise Refusal(400, message, code="parameter_invalid_empty", param=name)
        return values[-1] if values else None

    def one_of(self, name: str, choices: Collection[str]) -> str | None:
        """One of `choices`."""
        value = self.text(name)
        if value is not None and value not in choices:
            *most, last = choices
            raise Refusal(400, f"Invalid {name}: must be one of {', '.join(most)}, or {last}", param=name)
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise Refusal(400, f"Invalid boolean: {value}", param=name)
        return None if value is None else value == "true"

    def integer(self, name: str) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]+", value):
            raise Refusal(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
        return int(value)

    def limit(self) -> int:
        """How many rows a page may have: 1 to 100, 10 where not said."""
        value = self.integer("limit")
        if value is None:
            return 10
        if not 1 <= value <= _MOST_ROWS:
            bound = "greater than or equal to 1" if value < 1 else f"less than or equal to {_MOST_ROWS}"
            message = f"This value must be {bound} (it currently is '{value}')."
            raise Refusal(400, message, code="parameter_invalid_integer", param="limit")
        return value

    def span(self, name: str) -> Span:
        """A range of seconds: `name` alone is one instant, or name[gt], [gte], [lt] and [lte]."""
        exact = self.integer(name)
        if exact is not None:
            return Span(first=exact, last=exact)
        above, first = self.integer(f"{name}[gt]"), self.integer(f"{name}[gte]")
        below, last = self.integer(f"{name}[lt]"), self.integer(f"{name}[lte]")
        firsts = [n for n in (first, None if above is None else above + 1) if n is not None]
        lasts = [n for n in (last, None if below is None else below - 1) if n is not None]
        return Span(first=max(firsts, default=None), last=min(lasts, default=None))

    def many(self, name: str) -> list[str]:
        """The values of name[], name[0], name[1] and so on, in the order sent."""
        pattern = re.compile(re.escape(name) + r"\[[0-9]*\]")
        named = [(key, value) for key, value in self._pairs if pattern.fullmatch(key)]
        self._read.update(key for key, _ in named)
        return [value for _, value in named]

    def refuse_unread(self) -> None:
        """Raise Refusal where a parameter was sent that nothing has read."""
        unknown = next((key for key, _ in self._pairs if key not in self._read), None)
        if unknown is not None:
            name = unknown.partition("[")[0]
            raise Refusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
