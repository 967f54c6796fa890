"""What a number of streams costs: token lag beside its floor, throughput, processor, memory, bytes."""

from __future__ import annotations

from collections.abc import Iterator

from .asker import Place
from .direct import Direct
from .figures import MB, MS, US, Figure, spread_of
from .hops import hops
from .meters import OTHERS, Meters, others_share
from .page import Page
from .percentiles import spread
from .run import Run, run


async def load(place: Place, meters: Meters, streams: int, tokens: int, rate: float) -> list[Figure]:
    """Raises Failed."""
    floor = await run(place, meters, [Direct(place) for _ in range(streams)], tokens, rate)
    site = await run_site(place, meters, streams, tokens, rate)
    return [*lags(floor, site), *costs(site), *hops(site)]


async def run_site(place: Place, meters: Meters, streams: int, tokens: int, rate: float) -> Run:
    """Raises Failed."""
    return await run(place, meters, [Page(place, number) for number in range(streams)], tokens, rate)


def lags(floor: Run, site: Run) -> Iterator[Figure]:
    here, there = spread(site.lags), spread(floor.lags)
    yield from spread_of("lag", here, site.streams)
    yield Figure("lag p95, floor", there.p95 * MS, "ms", site.streams)
    yield Figure("added lag p95", (here.p95 - there.p95) * MS, "ms", site.streams)
    yield Figure("lag p95, with the streams' beginning", spread(site.all_lags).p95 * MS, "ms", site.streams)
    yield Figure("throughput", site.tokens / site.seconds, "tokens/s", site.streams)


def costs(site: Run) -> Iterator[Figure]:
    spent = {name: site.after.cpu[name] - before for name, before in site.before.cpu.items()}
    per_token = {name: seconds / site.tokens * US for name, seconds in spent.items()}
    ours = sum(cost for name, cost in per_token.items() if name not in OTHERS)
    yield Figure("CPU per token, site", ours, "µs", site.streams)
    for name, cost in per_token.items():
        yield Figure(f"CPU per token, {name}", cost, "µs", site.streams)
    yield Figure("processors, other programs", others_share(site.before, site.after), "%", site.streams)
    yield Figure("memory, site", site.after.site_memory * MB, "MB", site.streams)
    for name, size in site.after.memory.items():
        if name not in OTHERS:
            yield Figure(f"memory, {name}", size * MB, "MB", site.streams)
