"""The sandbox Lago is sent the recorded requests of a real v1.51.0 and must answer alike; what is left out is named."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sandbox.lago_recorded_world import KEY, RecordedWorld
from sandbox.lago_recordings import RECORDINGS, Likeness, Step, steps_of

FILES = (
    "01_auth_and_errors",
    "02_plans",
    "03_customers",
    "04_subscriptions",
    "05_subscription_lists",
    "06_rows_that_move",
    "07_invoices",
    "08_webhooks",
    "09_the_clock_moves",
)
FILES_LEFT_OUT = {
    "10_at_once": "races between worker processes of one database; the sandbox takes one request at a time",
    "11_parts_away": "a database and a queue that stop; a fault scripted on the loopback server stands for both",
    "webhook_deliveries": "the sandbox sends no webhooks",
}
_NO_WEBHOOKS = "the sandbox sends no webhooks and keeps no endpoints"
LEFT_OUT = {
    ("08_webhooks", "bad url"): _NO_WEBHOOKS,
    ("08_webhooks", "bad algorithm"): _NO_WEBHOOKS,
    ("08_webhooks", "hmac endpoint"): _NO_WEBHOOKS,
    ("08_webhooks", "jwt endpoint"): _NO_WEBHOOKS,
    ("08_webhooks", "same url again"): _NO_WEBHOOKS,
    ("08_webhooks", "filtered endpoint"): _NO_WEBHOOKS,
    ("08_webhooks", "list"): _NO_WEBHOOKS,
}
HEADERS = ("content-type", "cache-control", "vary")

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of a real Lago are not on this machine")


def replay() -> Iterator[tuple[str, Step, list[str]]]:
    """Every file in order on one sandbox: the differences of each exchange that is not left out."""
    world = RecordedWorld()
    with world.lago.serve() as server, httpx.Client(base_url=server.url) as client:
        prefix = f"UC -{world.lago.organization_id[-4:].upper()}"
        likeness = Likeness(prefix=prefix)
        for file in FILES:
            for step in steps_of(file):
                if step.did is not None:
                    world.do(file, step.name)
                elif (file, step.name) not in LEFT_OUT:
                    world.prepare(file, step.name)
                    yield file, step, differences(step, send(client, step, likeness), likeness)


def send(client: httpx.Client, step: Step, likeness: Likeness) -> httpx.Response:
    headers = [(key.encode(), value.replace("<key>", KEY).encode()) for key, value in step.headers.items()]
    body = None if step.body is None else likeness.translate(step.body).encode()
    return client.request(step.method, likeness.translate(step.target), headers=headers, content=body)


def differences(step: Step, ours: httpx.Response, likeness: Likeness) -> list[str]:
    there, here = dict(step.answer_headers), ours.headers
    names = [*HEADERS, *(["x-request-id"] if "X-Request-Id" in step.headers else [])]
    return [
        *([] if ours.status_code == step.status else [f"status: recorded {step.status}, ours {ours.status_code}"]),
        *(f"{name}: ours {here.get(name)}" for name in names if there.get(name) != here.get(name)),
        *([] if ("etag" in there) == ("etag" in here) else ["etag: only one has it"]),
        *likeness.differences(step.answer, ours.text),
    ]


@pytest.fixture(scope="module")
def replayed() -> list[tuple[str, Step, list[str]]]:
    return list(replay())


@pytest.mark.parametrize("file", FILES)
def test_every_recorded_exchange_is_answered_alike(file: str, replayed: list[tuple[str, Step, list[str]]]) -> None:
    assert {step.name: found for name, step, found in replayed if name == file and found} == {}


def test_every_recorded_exchange_is_replayed_or_left_out_with_a_reason(
    replayed: list[tuple[str, Step, list[str]]],
) -> None:
    recorded = {(file, step.name) for file in FILES for step in steps_of(file) if step.did is None}
    assert {(file, step.name) for file, step, _ in replayed} | set(LEFT_OUT) == recorded
    assert {path.name.partition(".")[0] for path in RECORDINGS.glob("*.jsonl")} == {*FILES, *FILES_LEFT_OUT}


def test_the_comparison_notices_what_differs() -> None:
    id_a, id_b, id_c = (f"{n}a000000-0000-4000-8000-000000000000" for n in (1, 2, 3))
    likeness = Likeness(prefix="UC -0000")
    assert likeness.differences(f'{{"id": "{id_a}"}}', f'{{"id": "{id_b}"}}') == []
    assert likeness.differences(f'{{"id": "{id_a}"}}', f'{{"id": "{id_c}"}}') != []
    assert likeness.differences(f'{{"id": "{id_c}"}}', f'{{"id": "{id_b}"}}') != []
    assert likeness.differences('{"a": 1}', '{"a": 1.0}') != []
    assert likeness.differences('{"a": null}', "{}") != []
    assert likeness.differences('{"a": [1, 2]}', '{"a": [2, 1]}') != []
    assert likeness.differences('{"at": "2026-11-23T22:31:42Z"}', '{"at": "2026-11-23T22:32:00Z"}') == []
    assert likeness.differences('{"at": "2026-11-23T22:31:42Z"}', '{"at": "2026-11-23T22:32:00.000Z"}') != []
    assert likeness.differences('{"at": "2026-11-30T23:59:59Z"}', '{"at": "2026-12-30T23:59:59Z"}') != []
