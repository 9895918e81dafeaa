"""What the catalogue says of one drift code, and the order in which its codes are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from reconciler.model.drift import Code, Decided, Direction, Severity


class Stage(IntEnum):
    """The order of judging (drift_codes.md): of an organisation's drifts the one of the lowest stage is primary."""

    HOLD = 1  # the record, what was not read, what is not known
    IDENTITY = 2
    CONTRACT = 3
    IN_FLIGHT = 4
    WAIT = 5
    DOUBT = 6  # live, but not as it should be
    FIX = 7  # the tier and the status, and what a person must do about them
    PRICE = 8
    LINK = 9
    FACT = 10  # meant to be


class Column(IntEnum):
    """The columns of money, in the order in which they are told."""

    LEAK = 1
    OWED = 2
    OVERBILLED = 3
    VARIANCE = 4
    AT_RISK = 5
    OVERDUE = 6

    @property
    def word(self) -> str:
        """As a field of the drift's money."""
        return self.name.lower()


LEAK, OWED, OVERBILLED, VARIANCE, AT_RISK, OVERDUE = Column

RAISE, LOWER, LINK = Direction.RAISE, Direction.LOWER, Direction.LINK
NOTHING: frozenset[Direction] = frozenset()
LOWERING = frozenset({LOWER})
RAISING = frozenset({RAISE, LINK})
EVERYTHING = RAISING | LOWERING


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What holds for every drift of one code.

    `when` is its condition, `text` and `remedy` are templates over `org`, `has`, `due` and `detail`. Of the drifts of
    one stage the one whose row comes first is primary. `stops` are the directions in which such a drift, listed beside
    a fix of the same organisation, forbids it. `priced` is False where no money can be told.
    """

    when: str
    text: str
    remedy: str
    default: Decided
    severity: Severity
    stage: Stage
    money: tuple[Column, ...] = ()
    direction: Direction | None = None
    stops: frozenset[Direction] = NOTHING
    priced: bool = True

    @property
    def leaks(self) -> bool:
        """Whether its money is leak whatever the case."""
        return LEAK in self.money and not {OWED, AT_RISK} & set(self.money)


Rows = Mapping[Code, Row]
