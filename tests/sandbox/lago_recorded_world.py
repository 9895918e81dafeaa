"""What happened to the recorded Lago between its recorded exchanges, done again to the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from reconciler.sandbox.lago import Invoice, LagoSandbox

KEY = "5b2f7c1e-0000-4000-8000-000000000002"
RECORDED_AT = datetime(2026, 11, 23, 22, 31, 33, tzinfo=UTC)


class TickingClock:
    """A clock that goes on by a millisecond each time it is read, and further when told."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __call__(self) -> datetime:
        self._at += timedelta(milliseconds=1)
        return self._at

    def advance(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)


class RecordedWorld:
    """A sandbox that lives through what the recorded server lived through."""

    def __init__(self) -> None:
        self.clock = TickingClock(RECORDED_AT)
        self.lago = LagoSandbox(api_key=KEY, clock=self.clock, organization_name="UC Cloud")
        self._aging: list[Invoice] = []
        self._before: dict[tuple[str, str], Callable[[], None]] = {
            ("03_customers", 'page {"per_page": 10}'): self._more_customers,
            ("05_subscription_lists", "default"): self._more_subscriptions,
            ("06_rows_that_move", "walk: page 1"): self._invoices,
            ("06_rows_that_move", "its subscription some seconds later"): self._queue_runs,
            ("06_rows_that_move", "plan in use deleted: subscription later"): self._queue_runs,
        }
        self._did: dict[tuple[str, str], Callable[[], None]] = {
            ("03_customers", "stripe provider"): self._stripe_provider,
            ("07_invoices", "time passes"): self._time_passes,
            ("07_invoices", "overdue job"): self.lago.run_hourly_jobs,
            ("08_webhooks", "hmac key"): lambda: None,
            ("09_the_clock_moves", "2026-12-01"): self._jobs_on(date(2026, 12, 1)),
            ("09_the_clock_moves", "2026-12-08"): self._jobs_on(date(2026, 12, 8)),
            ("09_the_clock_moves", "2027-01-16"): self._jobs_on(date(2027, 1, 16)),
            ("09_the_clock_moves", "2027-01-15"): self._jobs_on(date(2027, 1, 15)),
            ("09_the_clock_moves", "2027-02-01"): self._jobs_on(date(2027, 2, 1)),
        }

    def prepare(self, file: str, step: str) -> None:
        """Do what the recording did, without recording it, before this exchange."""
        self.clock.advance(0.05)
        self._before.get((file, step), lambda: None)()

    def do(self, file: str, step: str) -> None:
        """Do what a line without an exchange says was done; a line not known is an error."""
        self._did[file, step]()

    def _more_customers(self) -> None:
        for number in range(12, 35):
            self.lago.add_customer(f"org_{number:03}", name=f"Organisation {number}", currency="USD")

    def _more_subscriptions(self) -> None:
        for number in range(24, 34):
            plan = "enterprise_monthly" if number % 3 == 0 else "starter_monthly"
            self.lago.add_subscription(f"org_{number:03}", plan, external_id=f"sub_{number:03}")

    def _queue_runs(self) -> None:
        self.clock.advance(4)

    def _stripe_provider(self) -> None:
        self.lago.add_payment_provider("stripe_main")
        self.lago.set_stripe_reachable(reachable=False)

    def _invoices(self) -> None:
        # The sandbox bills nothing: the 30 invoices of the recorded server are added, those that are shown as shown.
        live = self.lago.find_subscription("sub_013b")
        second = RECORDED_AT.replace(second=0)

        def add(org: str, number: int, cents: int, seconds: int, *, credited: int = 0, paid: bool = False) -> Invoice:
            return self.lago.add_invoice(
                org,
                amount_cents=cents,
                credit_notes_amount_cents=credited,
                issuing_date=RECORDED_AT.date(),
                payment_status="succeeded" if paid else "pending",
                sequential_id=number,
                subscription=live if (org, number) == ("org_013", 1) else None,
                created_at=second + timedelta(seconds=seconds),
            )

        add("org_031", 3, 0, 59, paid=True)
        add("org_031", 2, 187, 58)
        add("org_032", 2, 0, 57, paid=True)
        add("org_033", 3, 507, 56, credited=507, paid=True)
        add("org_033", 2, 0, 55, paid=True)
        self._aging = [
            add("org_013", 1, 2640, 51),
            add("org_013", 2, 507, 50),
            add("org_010", 2, 1307, 49),
            add("org_010", 1, 507, 48),
        ]
        for number in range(21):
            add(f"org_{number % 5 + 14:03}", number, 1900, 40, paid=number < 4)

    def _time_passes(self) -> None:
        for invoice in self._aging:
            self.lago.redate_invoice(invoice, issuing_date=RECORDED_AT.date() - timedelta(days=20))

    def _jobs_on(self, day: date) -> Callable[[], None]:
        return lambda: self.lago.run_hourly_jobs(datetime(day.year, day.month, day.day, 1, 10, tzinfo=UTC))
