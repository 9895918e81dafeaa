"""Time in the sandbox Lago: billing periods, and what the hourly jobs do on the day they run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from reconciler.sandbox.lago.periods import period
from sandbox.lago_over_http import LagoOverHttp


@pytest.fixture
def http() -> Iterator[LagoOverHttp]:
    with LagoOverHttp() as http:
        http.lago.add_customer("org_a")
        yield http


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_downgrade_is_done_by_the_jobs_of_the_period_s_first_day(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    http.lago.run_hourly_jobs(at("2026-11-30T23:05"))
    assert ("pro", "active") in http.statuses("sub_a")
    http.lago.run_hourly_jobs(at("2026-12-01T01:10"))
    assert sorted(http.statuses("sub_a")) == [("pro", "terminated"), ("starter", "active")]


def test_a_downgrade_whose_day_was_missed_waits_for_the_next_period(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    http.lago.set_clock(at("2026-12-02T01:10"))
    http.lago.run_hourly_jobs()
    row = http.get("/subscriptions/sub_a")["subscription"]
    assert (row["plan_code"], row["downgrade_plan_date"]) == ("pro", "2027-01-01")
    http.lago.run_hourly_jobs(at("2027-01-01T00:10"))
    assert http.get("/subscriptions/sub_a")["subscription"]["plan_code"] == "starter"


def test_a_downgrade_asked_for_on_a_period_s_first_day_waits_for_its_end(http: LagoOverHttp) -> None:
    http.lago.set_clock(at("2026-12-01T08:00"))
    http.subscribe("org_a", "pro", "sub_a")
    http.subscribe("org_a", "starter", "sub_a")
    http.lago.run_hourly_jobs(at("2026-12-01T09:10"))
    assert ("pro", "active") in http.statuses("sub_a")


def test_a_scheduled_end_is_met_on_its_very_day_only(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a", ending_at="2027-01-15T12:00:00Z")
    http.lago.run_hourly_jobs(at("2027-01-16T01:10"))
    assert http.statuses("sub_a") == [("pro", "active")]
    http.lago.run_hourly_jobs(at("2027-01-15T01:10"))
    ended = http.get("/subscriptions/sub_a?status=terminated")["subscription"]
    assert ended["terminated_at"] == "2027-01-15T01:10:00Z"


def test_the_day_of_an_end_is_the_customer_s_day(http: LagoOverHttp) -> None:
    http.lago.add_customer("org_tokyo", timezone="Asia/Tokyo")
    http.subscribe("org_tokyo", "pro", "sub_t", ending_at="2027-01-14T16:00:00Z")
    http.lago.run_hourly_jobs(at("2027-01-14T14:05"))
    assert http.statuses("sub_t") == [("pro", "active")]
    http.lago.run_hourly_jobs(at("2027-01-14T15:05"))
    assert http.statuses("sub_t") == [("pro", "terminated")]


def test_a_future_start_becomes_active_on_or_after_its_day(http: LagoOverHttp) -> None:
    http.subscribe("org_a", "pro", "sub_a", subscription_at="2027-02-01T00:00:00Z")
    http.lago.run_hourly_jobs(at("2027-01-31T23:10"))
    assert http.statuses("sub_a") == [("pro", "pending")]
    http.lago.run_hourly_jobs(at("2027-02-03T01:10"))
    row = http.get("/subscriptions/sub_a")["subscription"]
    assert (row["status"], row["started_at"]) == ("active", "2027-02-03T01:10:00.000Z")


def test_a_trial_is_active_and_its_end_is_noted_by_the_jobs(http: LagoOverHttp) -> None:
    http.lago.add_plan("trial", amount_cents=1900, trial_days=14)
    http.subscribe("org_a", "trial", "sub_a")
    http.lago.run_hourly_jobs(at("2026-12-08T09:00"))
    assert http.get("/subscriptions/sub_a")["subscription"]["trial_ended_at"] is None
    http.lago.run_hourly_jobs(at("2026-12-08T10:00"))
    assert http.get("/subscriptions/sub_a")["subscription"]["trial_ended_at"] == "2026-12-08T09:30:00Z"


def test_a_restart_under_the_same_id_gives_no_second_trial(http: LagoOverHttp) -> None:
    http.lago.add_plan("trial", amount_cents=1900, trial_days=14)
    first = at("2026-10-01T00:00")
    http.lago.add_subscription("org_a", "trial", external_id="sub_a", status="terminated", started_at=first)
    http.subscribe("org_a", "trial", "sub_a")
    http.lago.run_hourly_jobs(at("2026-11-24T10:00"))
    assert http.get("/subscriptions/sub_a")["subscription"]["trial_ended_at"] == "2026-10-15T00:00:00Z"


def test_an_unpaid_invoice_is_overdue_the_day_after_it_is_due_until_it_is_paid(http: LagoOverHttp) -> None:
    invoice = http.lago.add_invoice("org_a", amount_cents=1900, issuing_date=date(2026, 11, 24))
    http.lago.add_invoice("org_a", amount_cents=1900, issuing_date=date(2026, 11, 24), payment_status="succeeded")
    http.lago.run_hourly_jobs(at("2026-11-24T23:25"))
    assert http.get("/invoices?payment_overdue=true")["invoices"] == []
    http.lago.run_hourly_jobs(at("2026-11-25T00:25"))
    rows = http.get("/invoices?payment_overdue=true")["invoices"]
    assert [row["lago_id"] for row in rows] == [invoice.lago_id]
    http.client.put(f"/invoices/{invoice.lago_id}", json={"invoice": {"payment_status": "succeeded"}})
    assert http.get("/invoices?payment_overdue=true")["invoices"] == []


@pytest.mark.parametrize(
    ("interval", "billing_time", "day", "first", "last"),
    [
        ("weekly", "calendar", "2026-11-24", "2026-11-23", "2026-11-29"),
        ("weekly", "anniversary", "2026-11-24", "2026-11-19", "2026-11-25"),
        ("monthly", "calendar", "2026-02-14", "2026-02-01", "2026-02-28"),
        ("monthly", "anniversary", "2026-02-28", "2026-02-28", "2026-03-30"),
        ("monthly", "anniversary", "2026-03-30", "2026-02-28", "2026-03-30"),
        ("monthly", "anniversary", "2026-12-31", "2026-12-31", "2027-01-30"),
        ("quarterly", "calendar", "2026-11-24", "2026-10-01", "2026-12-31"),
        ("quarterly", "anniversary", "2026-11-24", "2026-09-30", "2026-12-30"),
        ("semiannual", "calendar", "2026-11-24", "2026-07-01", "2026-12-31"),
        ("yearly", "calendar", "2026-11-24", "2026-01-01", "2026-12-31"),
        ("yearly", "anniversary", "2026-12-30", "2025-12-31", "2026-12-30"),
    ],
)
def test_the_period_of_a_day(interval: str, billing_time: str, day: str, first: str, last: str) -> None:
    anchor = date(2025, 12, 31) if interval != "weekly" else date(2026, 1, 1)
    found = period(date.fromisoformat(day), interval, billing_time, anchor)
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


def test_a_period_is_counted_in_the_customer_s_time_zone(http: LagoOverHttp) -> None:
    http.lago.add_customer("org_paris", timezone="Europe/Paris")
    http.lago.add_subscription("org_paris", "pro", external_id="sub_p", started_at=at("2026-01-10T00:00"))
    row = http.get("/subscriptions/sub_p")["subscription"]
    assert row["current_billing_period_started_at"] == "2026-10-31T23:00:00Z"
    assert row["current_billing_period_ending_at"] == "2026-11-30T22:59:59Z"


def test_a_yearly_plan_that_bills_usage_yearly_shows_its_year(http: LagoOverHttp) -> None:
    http.lago.add_plan("yearly", amount_cents=49000, interval="yearly")
    http.lago.add_subscription("org_a", "yearly", external_id="sub_y", started_at=at("2026-03-10T00:00"))
    row = http.get("/subscriptions/sub_y")["subscription"]
    assert row["current_billing_period_started_at"] == "2026-03-10T00:00:00Z"
    assert row["current_billing_period_ending_at"] == "2026-12-31T23:59:59Z"
