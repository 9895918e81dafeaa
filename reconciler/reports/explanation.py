"""The whole chain for one organisation, or what the catalogue says of one code, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from reconciler.model.billing import Invoice, Item, Source, Subscription
from reconciler.model.drift import Code, Decision
from reconciler.model.moments import utc
from reconciler.model.money_text import money_text
from reconciler.model.run import Approval, PlannedFix
from reconciler.reports.background import Background
from reconciler.reports.links import links_of
from reconciler.reports.money_words import money_words
from reconciler.reports.page import Page
from reconciler.reports.words import before_and_after, counted
from reconciler.rules.catalogue import CATALOGUE
from reconciler.rules.explaining import Explanation, SideSaid
from reconciler.rules.stops import Tried

_SIDE = {Source.LAGO: "Lago", Source.STRIPE: "Stripe"}


def print_code(code: Code, console: Console) -> None:
    """When the code applies, what is done about it, and what a person does."""
    row, page = CATALOGUE[code], Page(console)
    blank = {"org": "ORG", "has": "TIER", "due": "DUE", "detail": "..."}
    page.line((code.value, "bold"), f"  {row.severity}, by default {row.default}")
    page.line("When: ", row.when)
    page.line("Text: ", row.text.format_map(blank))
    page.line("Remedy: ", row.remedy.format_map(blank))
    if row.direction is not None:
        page.line("Its fix would ", row.direction.value)
    if row.money:
        page.line("Money: ", ", ".join(column.word for column in row.money))
    if row.stops:
        page.line("Listed beside a fix it forbids to ", " and to ".join(sorted(row.stops)))


def print_explanation(
    said: Explanation, history: Sequence[tuple[datetime, str]], console: Console, *, beside: Background
) -> None:
    """Store, sides, standing, drifts with each rule that was tried, what would be written, and what was before.

    `history` is told in its order. Every moment is UTC.
    """
    page = Page(console)
    _write_store(said, page)
    for side in said.sides:
        _write_side(side, said.as_of, page, beside)
    _write_drifts(said, page)
    _write_fixes(said, page)
    page.heading("Before")
    for at, words in history:
        page.line(f"{utc(at)}  ", words, indent=2)
    if not history:
        page.line("The ledger tells nothing of it.", indent=2)


def _write_store(said: Explanation, page: Page) -> None:
    page.line((said.key, "bold"), f"  as of {utc(said.as_of)}")
    if said.refused:
        page.line(("A pass would be refused whole: ", "red"), said.refused)
    page.heading("The store")
    if said.fault:
        page.line(("Its record is not sound: ", "red"), said.fault, indent=2)
    if said.org is None:
        page.line("Its record cannot be read.", indent=2)
        return
    org = said.org
    for name, value in (
        ("name", org.name),
        ("tier", org.tier),
        ("status", org.status),
        ("created", utc(org.created_at)),
        ("Lago id", org.lago_id or "none"),
        ("Stripe id", org.stripe_id or "none"),
    ):
        page.line(name.ljust(10), value, indent=2)
    if said.excluded:
        page.line("It is not judged, by [orgs] exclude: ", said.excluded, indent=2)
    page.line(f"Its tier is granted by: {said.grants}", indent=2)


def _write_side(side: SideSaid, now: datetime, page: Page, beside: Background) -> None:
    snapshot, link = side.snapshot, side.link
    proof = snapshot.proof
    page.heading(_SIDE[link.source])
    span = " to ".join(f"{moment.astimezone(UTC):%H:%M:%S}" for moment in (proof.read_from, proof.read_until))
    whole = "" if snapshot.complete else (", NOT WHOLE: ", "bold red")
    page.line(f"Read {span} UTC", whole, snapshot.problem or "", indent=2)
    if not link.customers:
        page.line(f"No customer; the store records {link.recorded or 'no id'}.", indent=2)
    for customer, ways in link.customers.items():
        page.line(f"Customer {customer}, by {' and by '.join(sorted(ways))}", indent=2)
        _write_link({"customers": {customer: []}}, link.source, page, beside)
    for subscription in side.subscriptions:
        page.line((subscription.id, "bold"), f"  {', '.join(_facts(subscription, now))}", indent=2)
        for item in subscription.items:
            page.line(_item(item), indent=4)
        if link.source is Source.STRIPE:
            _write_link({"live": [{"subscription": subscription.id}]}, link.source, page, beside)
    for invoice in snapshot.invoices:
        if invoice.customer_id in link.customers:
            page.line(_invoice(invoice), indent=2)
    page.line("It follows: ", "; ".join(_standing(side.standing)), indent=2)


def _write_link(evidence: Mapping[str, Any], source: Source, page: Page, beside: Background) -> None:
    links = links_of({source.value: evidence}, beside)
    address = links.stripe if source is Source.STRIPE else links.lago
    if address:
        page.line(address, indent=4)


def _facts(row: Subscription, now: datetime) -> list[str]:
    facts = [row.raw_status, f"created {utc(row.created_at)}"]
    for word, at in (
        ("started", row.started_at),
        ("trial ends", row.trial_end),
        ("ends", row.cancel_at),
        ("ended", row.ended_at),
        ("changes", row.next_at),
    ):
        if at is not None:
            facts.append(f"{word} {utc(at)}{' (ahead)' if at > now else ''}")
    if row.collection_pause is not None:
        facts.append("collection is paused")
    facts.append("collected automatically" if row.collected_automatically else "not collected automatically")
    return facts


def _item(item: Item) -> str:
    amount = "an amount that is not known" if item.unit_amount is None else money_text(item.unit_amount, item.currency)
    times = f"{item.quantity} x " if item.quantity != 1 else ""
    period = f"{item.period.count} {item.period.interval}" if item.period.count != 1 else str(item.period.interval)
    until = f", paid to {utc(item.period_end)}" if item.period_end else ""
    return f"{item.label}: {times}{amount} a {period}{until}{', metered' if item.metered else ''}"


def _invoice(invoice: Invoice) -> str:
    since = f" since {utc(invoice.due_since)}" if invoice.due_since else ""
    return f"Invoice {invoice.id}: {money_text(invoice.due_minor, invoice.currency)} unpaid{since}"


def _standing(standing: Mapping[str, Any]) -> list[str]:
    """What the standing holds, name by name; nothing where it holds nothing."""
    said: list[str] = []
    for name, value in standing.items():
        if name == "complete":
            continue
        rows = value if isinstance(value, list) else [value]
        said.append(f"{name.replace('_', ' ')}: {', '.join(_row(row) for row in rows)}")
    return said or ["nothing entitles it to anything here"]


def _row(row: object) -> str:
    if not isinstance(row, Mapping):
        return str(row)
    minor, until = row["monthly"], row["until"]
    facts = [
        f"{row['tier']} by {row['price']}",
        row["status"],
        "an amount that is not known" if minor is None else f"{money_text(minor, row['currency'])} a month",
        f"until {utc(until)}" if until else "",
    ]
    return f"{row['subscription']} ({', '.join(fact for fact in facts if fact)})"


def _write_drifts(said: Explanation, page: Page) -> None:
    page.heading("What was found, in the order of judging")
    if not said.decisions:
        page.line("Nothing: the organisation has what it is due.", indent=2)
    for decision, tried in said.decisions:
        _write_decision(decision, tried, page)


def _write_decision(decision: Decision, tried: Sequence[Tried], page: Page) -> None:
    drift = decision.drift
    primary = " (primary)" if decision.primary else ""
    page.line((drift.code.value, "bold"), f"{primary}: {decision.decided}, {decision.severity}", indent=2)
    page.line(drift.text, indent=4)
    money = money_words(drift.money) if drift.money else []
    if money:
        page.line(", ".join(money), indent=4)
    page.line(
        f"Since {utc(decision.first_seen)}, in {counted(decision.runs_seen, 'complete run')}, this one counted",
        indent=4,
    )
    stopped = False
    for each in tried:
        mark = "stops it" if each.stops and not stopped else "would stop it" if each.stops else "passes"
        stopped = stopped or each.stops
        page.line(f"{each.rule}: {mark}: {each.words}", indent=6)
    page.line("Decision: ", decision.reason, indent=4)
    page.line("Remedy: ", drift.remedy, indent=4)


def _write_fixes(said: Explanation, page: Page) -> None:
    page.heading("What would be written")
    for planned in said.fixes:
        page.line(f"{before_and_after(planned)}, by {planned.fix.call}, {_lot(planned, said)}", indent=2)
    if not said.fixes:
        page.line("Nothing.", indent=2)


def _lot(planned: PlannedFix, said: Explanation) -> str:
    if planned.approval is Approval.NEEDED:
        return "needs approval"
    rule = said.plan.refused_by.get(planned.fix.direction)
    if rule is not None and not planned.released:
        return f"refused by {rule}"
    return "by the next pass that writes, once it was read again"
