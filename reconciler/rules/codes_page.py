"""The page of drift codes, docs/codes.md, made from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.drift import Code
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.row import Row, Stage

_STAGES = {
    Stage.HOLD: "What cannot be concluded",
    Stage.IDENTITY: "Whose customer it is, and what is billed twice",
    Stage.CONTRACT: "Contracts",
    Stage.IN_FLIGHT: "In flight",
    Stage.WAIT: "Waits with a date",
    Stage.DOUBT: "Live, but not as it should be",
    Stage.FIX: "The tier and the status",
    Stage.PRICE: "The price",
    Stage.LINK: "Links",
    Stage.FACT: "Meant to be",
}

_HEAD = """\
# Drift codes

Every difference between the store and billing has one of these codes; they are stable, and the same in every report
and log line. `reconcile explain CODE` tells one of them. They stand in the order of judging: of an organisation's
drifts the first here is its primary one, the others are listed beside it.

**fix**: written, where no rule of safety, limit or policy holds it back; else a flag. **flag**: a person decides.
**wait**: lawful, with a known end. **hold**: nothing was concluded. **ok**: meant to be, and only counted. Policy
makes a code stricter, never looser. `{has}` and `{due}` stand for tiers, `{org}` for the organisation, `{detail}` for
what was found.

Money is per month in minor units of one currency, never added across currencies: **leak** is the list price of what
an organisation has above what it is due, **owed** below it, **overbilled** what is billed twice or past its end,
**variance** list price less what is rightly billed, **at_risk** what may stop; **overdue** is once, not monthly.
Refunds are not read.
"""


def codes_page() -> str:
    """The whole page, in the order of judging."""
    return "\n".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    stage: Stage | None = None
    for code, row in CATALOGUE.items():
        if row.stage is not stage:
            stage = row.stage
            yield f"## {_STAGES[stage]}\n"
        yield f"{told(code, row)}\n"


def told(code: Code, row: Row) -> str:
    """One code: when it is, what is done, what it says and what a person does about it."""
    facts = [f"**{row.default}**", row.severity.value]
    if row.direction is not None:
        facts.append(f"to {row.direction}")
    if row.money:
        facts.append(f"money: {', '.join(column.word for column in row.money)}")
    if row.stops:
        facts.append(f"forbids to {', '.join(sorted(direction.value for direction in row.stops))}")
    return f"### `{code}`\n{' · '.join(facts)}. When {row.when}.\n\n> {row.text}\n\n{row.remedy}"
