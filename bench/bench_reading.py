# ruff: noqa: INP001, T201 # a program, not a package; prints its figures, and stops at a wrong read
"""Measures whole reads of Lago and Stripe beside the plain way: `auto_paging_iter`, and Lago's pages one by one.

Run with `uv run --group bench python bench/bench_reading.py [SUBSCRIPTIONS]` or `... memory [ORGANIZATIONS]...`.
Servers and readers have a process each, on loopback. There are as many customers as subscriptions on each side, an
unpaid invoice for one in 50 of them and a coupon of Lago for one in 20. Growth doubles every year, and rows are as
large as real ones. Latency passes while others are served; a worker serves one request at a time. lago-python-client is
measured where it is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import stripe
from reading_servers import FRESH, NOW, PAGE, Server, served

from reconciler.billing.lago_source import LagoSource
from reconciler.billing.network import Network
from reconciler.billing.pacing import RateBudget
from reconciler.billing.stripe_source import StripeSource
from reconciler.model.billing import Source

SUBSCRIPTIONS = 8_200
LAGO_KEY = "6f3c4cde-0a3e-4a0e-9a39-5a3b6d3e9a10"
STRIPE_KEY = "sk_test_bench"
LAGO_LISTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("subscriptions", {}),
    ("customers", {}),
    ("invoices", {"payment_overdue": "true"}),
    ("invoices", {"payment_dispute_lost": "true"}),
    ("applied_coupons", {"status": "active"}),
)
Reader = Callable[[str, float], int]


@dataclass(frozen=True)
class Figures:
    """What one read cost; `requests` is what the server counted."""

    rows: int
    wall_s: float
    cpu_s: float
    grown_mb: float
    requests: int = 0


class _Clock:
    def now(self) -> datetime:
        return NOW


def ours_stripe(url: str, rate: float) -> int:
    """Rows of a whole read of Stripe."""
    network = Network(Source.STRIPE, RateBudget(rate))
    with StripeSource(url=url, api_key=STRIPE_KEY, livemode=False, clock=_Clock(), asking=network) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete, snapshot.problem
    return snapshot.proof.rows


def ours_lago(url: str, rate: float) -> int:
    """Rows of a whole read of Lago."""
    with LagoSource(url=url, api_key=LAGO_KEY, clock=_Clock(), asking=Network(Source.LAGO, RateBudget(rate))) as source:
        snapshot = source.read_all(NOW)
    assert snapshot.complete, snapshot.problem
    return snapshot.proof.rows


def ours_both(url: str, rate: float) -> int:
    """Both sources at once, as a pass reads them."""
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda read: read(url, rate), (ours_stripe, ours_lago)))


def plain_stripe(url: str, _rate: float) -> int:
    """The library's own way."""
    stripe.enable_telemetry = False
    client = stripe.StripeClient(STRIPE_KEY, base_addresses={"api": url})
    subscriptions = {row.id: row for row in client.v1.subscriptions.list({"limit": PAGE}).auto_paging_iter()}
    customers = {row.id: row for row in client.v1.customers.list({"limit": PAGE}).auto_paging_iter()}
    invoices = {row.id: row for row in client.v1.invoices.list({"limit": PAGE, "status": "open"}).auto_paging_iter()}
    return len(subscriptions) + len(customers) + len(invoices)


def plain_lago(url: str, _rate: float) -> int:
    """One page after the other."""
    rows: dict[str, Any] = {}
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {LAGO_KEY}"}, timeout=30) as http:
        for kind, asked in LAGO_LISTS:
            page: int | None = 1
            while page is not None:
                answer = http.get(f"/{kind}", params={"per_page": PAGE, "page": page, **asked}).json()
                rows.update((row["lago_id"], row) for row in answer[kind])
                page = answer["meta"]["next_page"]
    return len(rows)


def client_lago(url: str, _rate: float) -> int:
    """The same with Lago's own client."""
    client = importlib.import_module("lago_python_client.client").Client(api_key=LAGO_KEY, api_url=url)
    rows: dict[str, Any] = {}
    for kind, asked in LAGO_LISTS:
        page: int | None = 1
        while page is not None:
            answer = getattr(client, kind).find_all({"per_page": PAGE, "page": page, **asked})
            rows.update((row.lago_id, row) for row in answer[kind])
            page = answer["meta"]["next_page"]
    return len(rows)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _read(reader: Reader, url: str, rate: float, pipe: Connection) -> None:
    before_mb = _resident_mb()
    began, spent = time.perf_counter(), time.process_time()
    rows = reader(url, rate)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - spent
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    pipe.send(Figures(rows=rows, wall_s=wall_s, cpu_s=cpu_s, grown_mb=peak_mb - before_mb))


def measure(reader: Reader, server: Server, rate: float = 1e6) -> Figures:
    """One read in a process of its own."""
    with served(server) as (url, control):
        here, there = FRESH.Pipe(duplex=False)
        process = FRESH.Process(target=_read, args=(reader, url, rate, there), daemon=True)
        process.start()
        there.close()
        figures: Figures = here.recv()
        process.join()
        control.send("requests")
        return replace(figures, requests=control.recv())


def show(what: str, figures: Figures, subscriptions: int, remark: str = "") -> None:
    """Print one line."""
    per_s = figures.rows / figures.wall_s
    cpu_us = figures.cpu_s / subscriptions * 1e6
    print(
        f"  {what:<36} {figures.wall_s:7.2f} s  {per_s:8,.0f} rows/s  {cpu_us:6.0f} us CPU a subscription"
        f"  {figures.requests:5d} requests  +{figures.grown_mb:4.0f} MB  {remark}"
    )


def speed(rows: int) -> None:
    """Print the figures of every case."""
    quick = Server(rows)
    print(f"{rows:,} subscriptions and as many customers on each side\n\nNo latency")
    plain = measure(plain_stripe, quick)
    show("Stripe, auto_paging_iter", plain, rows)
    stripe_pages = plain.requests
    ours = measure(ours_stripe, quick)
    show("Stripe, ours", ours, rows, f"{plain.wall_s / ours.wall_s:.1f} times as fast; wanted 6, 200 us")
    plain = measure(plain_lago, quick)
    show("Lago, pages one by one", plain, rows)
    lago_pages = plain.requests
    if importlib.util.find_spec("lago_python_client"):
        show("Lago, lago-python-client", measure(client_lago, quick), rows)
    ours = measure(ours_lago, quick)
    show("Lago, ours", ours, rows, f"{plain.wall_s / ours.wall_s:.1f} times as fast")

    print("\n200 ms a page, 25 requests a second")
    far = Server(rows, latency_s=0.2)
    for what, reader, pages in (("Stripe, ours", ours_stripe, stripe_pages), ("Lago, ours", ours_lago, lago_pages)):
        remark = f"wanted {1.4 * max(pages / 25, 0.2) + 1:.1f} s, {1.1 * pages:.0f} requests"
        show(what, measure(reader, far, rate=25), rows, remark)

    for workers in (1, 8):
        print(f"\nA Lago of {workers} workers, 1.2 ms a row, 100 requests a second")
        slow = Server(rows, workers=workers, row_s=0.0012)
        plain = measure(plain_lago, slow)
        show("Lago, pages one by one", plain, rows)
        ours = measure(ours_lago, slow, rate=100)
        wanted = "wanted 0.91" if workers == 1 else "wanted 4"
        show("Lago, ours", ours, rows, f"{plain.wall_s / ours.wall_s:.2f} times as fast; {wanted}")


def memory(sizes: list[int]) -> None:
    """Print how memory grows."""
    print("Both sources at once, no latency; memory above what is resident after the imports")
    for size in sizes:
        show(f"{size:,} organizations", measure(ours_both, Server(size)), size)


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        memory([int(each) for each in sys.argv[2:]] or [10_000, 100_000])
    else:
        speed(int(sys.argv[1]) if sys.argv[1:] else SUBSCRIPTIONS)
