"""Runs localstripe, a Stripe that nobody here wrote, in this process on a free loopback port."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
import warnings
from collections.abc import Iterator, MutableMapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A running localstripe; `store` holds its objects as "subscription:sub_...", whose attributes may be set."""

    url: str
    api_key: str
    store: MutableMapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    port: int


@contextmanager
def localstripe_peer() -> Iterator[Peer]:
    """An empty localstripe of its own for as long as the context lasts; it leaves no file behind.

    It lists oldest first, knows plans but no prices, and answers `created` and `ending_before` with a 500.
    """
    server, resources = _imported_afresh()
    resources.Store.dump_to_disk = lambda _: None  # else every write rewrites one file that all runs share
    started: Future[_Running] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server.app, started)), daemon=True)
    thread.start()
    running = started.result(timeout=10)
    try:
        yield Peer(url=f"http://127.0.0.1:{running.port}", api_key="sk_test_peer", store=resources.store)
    finally:
        running.loop.call_soon_threadsafe(running.stop.set)
        thread.join(timeout=10)


def _imported_afresh() -> tuple[Any, Any]:
    """Its server and resources modules; new ones, because its application serves in one event loop only."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "localstripe"]:
        del sys.modules[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it registers handlers in a way that aiohttp deprecates
        return importlib.import_module("localstripe.server"), importlib.import_module("localstripe.resources")


async def _serve(app: web.Application, started: Future[_Running]) -> None:
    runner = web.AppRunner(app, access_log=None)
    try:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
    except BaseException as error:
        started.set_exception(error)
        raise
    stop = asyncio.Event()
    port = runner.addresses[0][1]
    started.set_result(_Running(loop=asyncio.get_running_loop(), stop=stop, port=port))
    await stop.wait()
    await runner.cleanup()
