"""The operators' page of model servers: their state and stats, and which are drained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations import site_time
from streaming.operations.health.diagnosis import of_servers
from streaming.operations.measurements.answers import SAMPLE
from streaming.operations.measurements.capabilities import facts_of_capabilities
from streaming.operations.measurements.live import Live, ServerState, live
from streaming.operations.measurements.servers import Fact, Pace, facts_of_probe, names_of, our_facts, paces_by_server
from streaming.planning.tiers import TierSpec, known_tiers

from .access import for_operators
from .fragments import served_as_fragment


@dataclass(frozen=True)
class Row:
    state: ServerState
    facts: list[Fact]
    breakers: list[tuple[str, str]]  # worker, state of its breaker
    unaware: int  # workers that do not know yet that it was drained or undrained


@require_safe
@for_operators
@served_as_fragment
def servers(request: HttpRequest) -> HttpResponse:
    """Redis if it answers, and three queries."""
    now, tiers = live(), known_tiers()
    paces = paces_by_server()
    rows = [row_of(state, now, tiers, paces.get(state.name, Pace())) for state in now.servers]
    context = {
        "live": True,
        "now": site_time.now(),
        "knows_redis": now.redis is not None,
        "healthy": now.up,
        "findings": of_servers(now),
        "rows": rows,
        "problems": problems_of(now.servers, tiers),
        "sample": SAMPLE,
    }
    return render(request, "operations/servers.html", context)


def row_of(state: ServerState, now: Live, tiers: Sequence[TierSpec], pace: Pace) -> Row:
    ours = our_facts(state.name, now.workers, tiers, pace)
    facts = [*facts_of_probe(state), *ours, *facts_of_capabilities(state.name, now.capabilities)]
    breakers = [(w.process, w.breakers[state.name]) for w in now.workers if state.name in w.breakers]
    unaware = sum((state.name in worker.drained) != bool(state.drained) for worker in now.workers)
    return Row(state, facts, breakers, unaware)


def problems_of(states: Sequence[ServerState], tiers: Sequence[TierSpec]) -> list[str]:
    """About tiers without a usable server, where a drain is part of the cause."""
    drained = {state.name for state in states if state.drained}
    useless = drained | {state.name for state in states if state.word == "down"}
    without = [tier for tier in tiers if set(names_of(tier)) <= useless]
    if without and len(without) == len(tiers) and drained:
        how = "drained" if useless == drained else "drained or down"
        return [f"All model servers are {how}: no question is answered. Users see a request to retry."]
    by_drain = [tier.name for tier in without if drained & set(names_of(tier))]
    return [f"No server of the tier {name} is in use, by drains: other tiers answer in its place." for name in by_drain]
