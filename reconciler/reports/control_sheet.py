"""The control page: which run this is, what was read and how, and whether counts and money tie out."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.money import Money
from reconciler.model.run import RunRecord, SourceRead
from reconciler.reports.background import Background
from reconciler.reports.beside_tables import WORDS, beside_tables
from reconciler.reports.tables import Balance, Cell, Column, Kind, Sheet, SumOf, Table
from reconciler.reports.words import EXIT_CODES, mode_words, reads_of, result_words

CONTROL = "Control"

_PLACES = ("in_sync", "waiting", "drift", "held", "waived", "excluded")
_PLACE_LABELS = {"in_sync": "In sync", "drift": "With drift"}
_TIED_PLUS, _TIED_MINUS = ("billed", "variance", "leak"), ("overbilled", "owed", "had")
_MONEY = ("billed", "overbilled", "variance", "leak", "owed", "had")
_BESIDE_TIE_OUT = ("at_risk", "overdue")
_FROM_ROWS = ("leak", "owed", "overbilled", "at_risk", "overdue")
LABELS = {
    "billed": "Billed",
    "overbilled": "- Overbilled",
    "variance": "+ Variance",
    "leak": "+ Leak",
    "owed": "- Owed",
    "had": "= Had",
    "at_risk": "At risk",
    "overdue": "Overdue, once",
}


def control_sheet(run: RunRecord, beside: Background, drifts: Table) -> Sheet:
    """Everything a reviewer checks first; a table about nothing stays out."""
    tables = (
        _run(run, beside),
        _reads(run),
        _side_reads(run),
        _organisations(run),
        _money(run),
        _checked(run, drifts),
        _refusals(run),
        *beside_tables(run),
        _notes(run),
        WORDS,
    )
    return Sheet(title=CONTROL, tables=tuple(table for table in tables if table.rows))


def _run(run: RunRecord, beside: Background) -> Table:
    return Table(
        key="run",
        title="Run",
        columns=(
            Column(key="what", label=""),
            Column(key="value", label="", kind=Kind.FACT),
        ),
        rows=tuple(_facts(run, beside)),
    )


def _facts(run: RunRecord, beside: Background) -> Iterator[tuple[Cell, ...]]:
    yield ("Result", run.result.value.upper())
    yield ("What that means", result_words(run))
    if run.refusal:
        yield ("Refused", run.refusal)
    if beside.period:
        yield ("Report of", beside.period)
    yield ("Run", run.id)
    yield ("As of", run.as_of)
    yield ("Started", run.started_at)
    yield ("Finished", run.finished_at)
    yield ("Started by", run.trigger.value)
    yield ("Mode", mode_words(run))
    yield ("Looked at", "some organisations or codes only (see the notes)" if run.partial else "everything")
    yield ("Read whole", run.complete)
    yield ("Exit code", f"{run.exit_code}: {EXIT_CODES.get(run.exit_code, 'not one that this version knows.')}")
    yield ("Version", run.version)
    yield ("Configuration, SHA-256", run.config_sha256)
    if beside.livemode is not None:
        yield ("Stripe mode", "live" if beside.livemode else "test")
    if beside.stripe_account:
        yield ("Stripe account", beside.stripe_account)
    yield ("Plan digest", run.plan.digest)
    if run.ledger is not None:
        yield ("Ledger chain, head", run.ledger.sha256)
        yield ("Ledger chain, events", run.ledger.events)
    for line in beside.signed:
        yield ("Signed", line)


def _reads(run: RunRecord) -> Table:
    return Table(
        key="reads",
        title="What was read",
        columns=(
            Column(key="name", label="Read", kind=Kind.WORD),
            Column(key="complete", label="Whole", kind=Kind.YES),
            Column(key="rows", label="Rows", kind=Kind.COUNT),
            Column(key="pages", label="Pages", kind=Kind.COUNT),
            Column(key="requests", label="Requests", kind=Kind.COUNT),
            Column(key="retries", label="Retries", kind=Kind.COUNT),
            Column(key="read_from", label="From", kind=Kind.MOMENT),
            Column(key="read_until", label="Until", kind=Kind.MOMENT),
            Column(key="about", label="Who answered"),
            Column(key="problem", label="What is missing"),
        ),
        rows=tuple(_read(name, read) for name, read in reads_of(run)),
    )


def _read(name: str, read: SourceRead) -> tuple[Cell, ...]:
    proof = read.proof
    of_proof: tuple[Cell, ...] = (None,) * 5
    if proof is not None:
        of_proof = (proof.pages, proof.requests, proof.retries, proof.read_from, proof.read_until)
    return (name, read.complete, read.rows, *of_proof, read.about or None, read.problem)


def _side_reads(run: RunRecord) -> Table:
    return Table(
        key="side_reads",
        title="Lists beside",
        columns=(
            Column(key="source", label="Source", kind=Kind.WORD),
            Column(key="name", label="List"),
            Column(key="read", label="Read", kind=Kind.YES),
            Column(key="problem", label="Why not"),
        ),
        rows=tuple(
            (source.value, side.name.value, not side.problem, side.problem or None)
            for source in sorted(run.sources)
            for side in run.sources[source].side_reads
        ),
        about="The run is complete without these; what they would have shown is not in it.",
    )


def _organisations(run: RunRecord) -> Table:
    totals = run.totals
    places = {place: getattr(totals, place) for place in _PLACES}
    residual = totals.orgs - sum(places.values())
    return Table(
        key="organisations",
        title="Organisations, each counted once",
        columns=(
            Column(key="orgs", label="Organisations", kind=Kind.COUNT),
            *(
                Column(key=place, label=_PLACE_LABELS.get(place, place.capitalize()), kind=Kind.COUNT)
                for place in _PLACES
            ),
            Column(
                key="residual",
                label="Left over",
                kind=Kind.COUNT,
                formula=Balance(plus=("orgs",), minus=_PLACES),
            ),
            Column(key="unclaimed", label="Unclaimed drifts", kind=Kind.COUNT),
        ),
        rows=() if run.refusal else ((totals.orgs, *places.values(), residual, totals.unclaimed),),
        about="Ties out where nothing is left over. Unclaimed drifts belong to no organisation.",
    )


def _money(run: RunRecord) -> Table:
    return Table(
        key="money",
        title="Money per month",
        columns=(
            Column(key="currency", label="Currency", kind=Kind.WORD),
            *(Column(key=name, label=LABELS[name], kind=Kind.MONEY) for name in _MONEY),
            Column(
                key="residual",
                label="Left over",
                kind=Kind.MONEY,
                formula=Balance(plus=_TIED_PLUS, minus=_TIED_MINUS),
            ),
            *(Column(key=name, label=LABELS[name], kind=Kind.MONEY) for name in _BESIDE_TIE_OUT),
            Column(key="unpriced", label="Unpriced", kind=Kind.COUNT),
        ),
        rows=tuple(
            (
                currency,
                *(Money(minor=getattr(money, name), currency=currency) for name in _MONEY),
                Money(minor=money.residual, currency=currency),
                *(Money(minor=getattr(money, name), currency=currency) for name in _BESIDE_TIE_OUT),
                money.unpriced,
            )
            for currency, money in sorted(run.totals.money.items())
        ),
        about="Billed - overbilled + variance + leak - owed = had, over all organisations judged and all unclaimed "
        "subscriptions. Ties out where nothing is left over. What is held or unpriced is in no column.",
    )


def _checked(run: RunRecord, drifts: Table) -> Table:
    """The same money once more, added up from the rows."""
    return Table(
        key="checked",
        title="The same, added up from the sheet Drifts",
        columns=(
            Column(key="currency", label="Currency", kind=Kind.WORD),
            *(
                Column(
                    key=name,
                    label=LABELS[name].lstrip("+-= "),
                    kind=Kind.MONEY,
                    formula=SumOf(key=name, by=("currency",)),
                )
                for name in _FROM_ROWS
            ),
        ),
        rows=tuple(
            (currency, *(drifts.sum_of(name, drifts.rows, currency) for name in _FROM_ROWS))
            for currency in sorted(run.totals.money)
        ),
        about="Differs from the table above only by drifts of organisations that are counted as unpriced there.",
    )


def _refusals(run: RunRecord) -> Table:
    return Table(
        key="refusals",
        title="Refused by a limit",
        columns=(
            Column(key="direction", label="Direction", kind=Kind.WORD),
            Column(key="limit", label="Limit"),
        ),
        rows=tuple((direction.value, limit) for direction, limit in sorted(run.plan.refused_by.items())),
        about="Nothing of this direction was written.",
    )


def _notes(run: RunRecord) -> Table:
    return Table(
        key="notes",
        title="Notes",
        columns=(Column(key="note", label=""),),
        rows=tuple((note,) for note in run.notes),
        about="Also by what the run was narrowed, and which organisations are excluded and why.",
    )
