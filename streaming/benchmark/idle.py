"""Sockets on which nothing happens: what each costs, and whether those who read an answer notice them."""

from __future__ import annotations

import asyncio

from .asker import Place
from .figures import KB, MS, Figure
from .loads import run_site
from .meters import Meters, others_share
from .page import Page
from .percentiles import spread
from .run import Run, complain, leave_all, open_all

RUNS = 2
SETTLES_S = 3.0  # longer than the site's own care of its sockets takes to come round


async def idle(place: Place, meters: Meters, sockets: int, streams: int, tokens: int, rate: float) -> list[Figure]:
    """Raises Failed."""
    without = await several(place, meters, streams, tokens, rate)
    before = await asyncio.to_thread(meters.read)
    pages = [Page(place, len(place.sessions) - 1 - number) for number in range(sockets)]
    try:
        await open_all(pages)
        await asyncio.sleep(SETTLES_S)
        complain(pages)
        opened = await asyncio.to_thread(meters.read)
        beside = await several(place, meters, streams, tokens, rate)
        complain(pages)
    finally:
        await leave_all(pages)
    each = (opened.site_memory - before.site_memory) / sockets
    return [Figure("memory per idle socket", each * KB, "KB"), *compare(without, beside)]


async def several(place: Place, meters: Meters, streams: int, tokens: int, rate: float) -> list[Run]:
    """One alone says little: two runs of a kind differ by more than what is looked for."""
    return [await run_site(place, meters, streams, tokens, rate) for _ in range(RUNS)]


def compare(without: list[Run], beside: list[Run]) -> list[Figure]:
    alone, now = lag_p95(without), lag_p95(beside)
    return [
        Figure("lag p95 without idle sockets", alone, "ms"),
        Figure("lag p95 with idle sockets", now, "ms"),
        Figure("added by idle sockets", now - alone, "ms"),
        Figure("processors, other programs, without idle sockets", most_of_others(without), "%"),
        Figure("processors, other programs, with idle sockets", most_of_others(beside), "%"),
    ]


def lag_p95(runs: list[Run]) -> float:
    return spread([lag for run in runs for lag in run.lags]).p95 * MS


def most_of_others(runs: list[Run]) -> float:
    return max(others_share(run.before, run.after) for run in runs)
