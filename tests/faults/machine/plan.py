"""Which faults in which order, on which site, and the table of what came of them."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from .faults import FAULTS
from .run import Outcome, run
from .site import PairedSite

ALONE = ("stop, while a worker is replaced",)  # it changes what is expected
PAIRS = "two of these at once"


@contextmanager
def paired_site() -> Iterator[PairedSite]:
    with tempfile.TemporaryDirectory(prefix="throughline-faults-") as folder:
        site = PairedSite(Path(folder))
        site.start()
        try:
            yield site
        finally:
            site.stop()


def long_plan(runs: int, seed: int, only: str) -> list[list[str]]:
    """Each fault equally often, every fourth run two of them."""
    chance = random.Random(seed)
    names = [name for name in FAULTS if only in name]
    pairable = [name for name in names if name not in ALONE]
    plan = []
    for number in range(runs):
        name = names[number % len(names)]
        pair = (number + number // len(names)) % 4 == 3 and name in pairable and len(pairable) > 1
        plan.append([name, chance.choice([other for other in pairable if other != name])] if pair else [name])
    chance.shuffle(plan)
    return plan


def short_plan(seed: int) -> list[list[str]]:
    """Each fault once, two at a time."""
    pairable = [name for name in FAULTS if name not in ALONE]
    random.Random(seed).shuffle(pairable)
    return [pairable[at : at + 2] for at in range(0, len(pairable), 2)] + [[name] for name in ALONE]


async def run_all(site: PairedSite, plan: list[list[str]], seed: int) -> list[Outcome]:
    outcomes = []
    for number, faults in enumerate(plan):
        outcome = await run(site, faults, seed * 10_000 + number)
        outcomes.append(outcome)
        mark = "ok" if outcome.is_well else "WRONG"
        print(f"{number + 1}/{len(plan)} {mark}: {' + '.join(faults)}", *outcome.remarks, sep="\n    ", flush=True)
    return outcomes


def table(outcomes: list[Outcome]) -> list[str]:
    by_fault: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_fault[outcome.faults[0] if len(outcome.faults) == 1 else PAIRS].append(outcome)
    order = [*FAULTS, PAIRS]
    rows = [row(name, by_fault[name]) for name in order if name in by_fault]
    return [
        "| fault | runs | lost | doubled | stuck | taken back | next text after, p50 | p95 |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        row("**all**", outcomes),
    ]


def row(name: str, outcomes: list[Outcome]) -> str:
    times = sorted(second for outcome in outcomes for second in outcome.recovered_after)
    p50, p95 = (quantiles(times, n=20)[index] for index in (9, 18)) if len(times) > 1 else (0.0, 0.0)
    sums = (sum(getattr(o, figure) for o in outcomes) for figure in ("lost", "doubled", "stuck", "taken_back"))
    return f"| {name} | {len(outcomes)} | " + " | ".join(map(str, sums)) + f" | {p50:.2f} s | {p95:.2f} s |"
