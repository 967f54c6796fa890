"""What is wrong and the likely cause, in sentences for someone who has never seen this site. Pure functions.

Causes that explain the most come first: a dead Redis explains everything else, a slow browser only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils import timezone

from streaming.operations.measurements.live import Live
from streaming.operations.measurements.paces import Pace
from streaming.operations.measurements.stores import DATABASE_SLOW_MS, REDIS_SLOW_MS
from streaming.telemetry.heartbeats import WorkerState

from .process_checks import differences_of, name_of, strains_of
from .snapshot import SiteSnapshot

TIMES_SLOWER = 3.0  # than usual, or than others with the same model
SLOWER_BY_S = 0.5  # and by at least this much
LONG_WAIT_S = 5.0  # for a model's first token, when there is nothing to compare with
FEW_TOKENS = 5.0  # per second; slower than people read
LONG_QUEUE_S = 5.0
MANY_FAILED_PERCENT = 5.0
LITTLE_LEFT_PERCENT = 90.0


@dataclass(frozen=True)
class Finding:
    title: str
    sentence: str
    level: str = "error"  # or "warning"


def diagnosis(now: SiteSnapshot) -> list[Finding]:
    """Empty if the site is healthy."""
    if now.redis_ms is None:
        return [NO_REDIS, *slow_database(now), *limits(now), *budget(now)]
    ours = (no_worker, no_background, no_beat, dead_servers, slow_redis, slow_database, limits, saturated, strained)
    rest = (
        replaced,
        slow_servers,
        failing_servers,
        unexplained_queue,
        stuck,
        errors,
        slow_browsers,
        unprobed,
        drained,
        budget,
    )
    return [finding for find in (*ours, *rest, differing) for finding in find(now)]


def of_servers(seen: Live) -> list[Finding]:
    """Findings about model servers only."""
    if seen.redis is None:
        return [NO_REDIS]
    now = SiteSnapshot(redis_ms=seen.redis.ping_ms, servers=seen.servers, processes=seen.processes)
    return [finding for find in (dead_servers, failing_servers, unprobed, drained) for finding in find(now)]


NO_WORKER = "No worker is up: questions are accepted, and wait. Start one."
NO_BACKGROUND = (
    "No background worker is up: no sweeps or probes run, and no chat gets a title. Start one: the line "
    "“background” of the Procfile."
)
NO_BEAT = "No beat is up: answers of lost workers are not taken over, and no model server is probed. Start one."
NONE_IN_USE = "All model servers are drained, or drained and down: no question is answered. Users are asked to retry."
NO_REDIS = Finding(
    "Redis is down",
    "Redis does not answer. Questions are accepted and stored, and answers wait for it. What is shown of workers, "
    "sockets and model servers is unknown until then.",
)


def no_worker(now: SiteSnapshot) -> Iterator[Finding]:
    if not now.workers:
        yield Finding("No worker", NO_WORKER)


def no_background(now: SiteSnapshot) -> Iterator[Finding]:
    if not now.backgrounds:
        yield Finding("No background worker", NO_BACKGROUND)


def no_beat(now: SiteSnapshot) -> Iterator[Finding]:
    if not now.beats:
        yield Finding("No beat", NO_BEAT)


def dead_servers(now: SiteSnapshot) -> Iterator[Finding]:
    for server in now.servers:
        if server.is_fresh and not server.is_up and server.probe:
            rest = "Its answers go to the others." if now.up else "No other is in use: answers fail until one is back."
            what = f"{server.called} does not answer as a model server should: {server.probe.error.rstrip('.')}."
            yield Finding("Dead model server", f"{what} {rest}")


def slow_redis(now: SiteSnapshot) -> Iterator[Finding]:
    if now.redis_ms is not None and now.redis_ms >= REDIS_SLOW_MS:
        sentence = f"A round trip to Redis takes {now.redis_ms:.0f} ms; one is usual. Every token passes through it."
        yield Finding("Slow Redis", f"{sentence} Look at its load, and at the network to it.")


def slow_database(now: SiteSnapshot) -> Iterator[Finding]:
    if now.database_ms >= DATABASE_SLOW_MS:
        sentence = f"The simplest query takes {now.database_ms:.0f} ms; each question waits for several."
        yield Finding("Slow database", sentence, "warning")


def limits(now: SiteSnapshot) -> Iterator[Finding]:
    yield from (Finding("Limits", sentence) for sentence in now.store_warnings)


def saturated(now: SiteSnapshot) -> Iterator[Finding]:
    if now.is_full:
        verb = "waits" if now.queued == 1 else "wait"
        yield Finding(
            "Saturated worker",
            f"The {now.room} places of {counted(now.workers, 'worker')} are taken, and "
            f"{counted(now.queued, 'question')} {verb}, the oldest for {now.oldest_queued_s:.0f} s. "
            "Start another worker, or raise GENERATIONS_PER_WORKER.",
        )


def strained(now: SiteSnapshot) -> Iterator[Finding]:
    for state in now.strained:
        kind = ("Saturated worker", "error") if isinstance(state, WorkerState) else ("Busy process", "warning")
        for strain in strains_of(state):
            yield Finding(kind[0], f"{name_of(state)}: {strain}", kind[1])


def replaced(now: SiteSnapshot) -> Iterator[Finding]:
    for one in now.replaced:
        moment = f"{timezone.localtime(one.at):%H:%M:%S}"
        yield Finding(
            "Replaced process",
            f"The event loop of {one.name} (process {one.pid}) was blocked for {one.still_s:.0f} s. It was killed at "
            f"{moment} and started again. The log of that moment shows where.",
            "warning",
        )


def slow_servers(now: SiteSnapshot) -> Iterator[Finding]:
    for pace in now.paces:
        others = [other for other in now.paces if other.model == pace.model and other.server != pace.server]
        if complaint := slow_start(pace, others) or slow_writing(pace, others):
            yield Finding("Slow model server", f"{pace.server} {complaint} Our own queue is not part of this.")


def slow_start(pace: Pace, others: Sequence[Pace]) -> str:
    """A sentence without its subject; empty if the server is as fast as it should be."""
    wait = pace.first_token_s
    if wait is None:
        return ""
    usual, source = yardstick(pace.usual_first_token_s, [other.first_token_s for other in others], min)
    if usual is None:
        return f"takes {wait:.1f} s to a first token." if wait >= LONG_WAIT_S else ""
    is_slow = wait >= TIMES_SLOWER * usual and wait >= usual + SLOWER_BY_S
    return f"takes {wait:.1f} s to a first token; {source} {usual:.2f} s." if is_slow else ""


def slow_writing(pace: Pace, others: Sequence[Pace]) -> str:
    rate = pace.rate
    if rate is None:
        return ""
    usual, source = yardstick(pace.usual_rate, [other.rate for other in others], max)
    if usual is None:
        return f"writes {rate:.1f} tokens a second." if rate < FEW_TOKENS else ""
    return f"writes {rate:.1f} tokens a second; {source} {usual:.0f}." if rate * TIMES_SLOWER <= usual else ""


def yardstick(
    own: float | None, others: Sequence[float | None], best: Callable[[list[float]], float]
) -> tuple[float | None, str]:
    """The value to compare with, and words for its source: the server's usual value, else the best of the others."""
    if own is not None:
        return own, "usually it is"
    known = [value for value in others if value is not None]
    return (best(known), "another with the same model has") if known else (None, "")


def failing_servers(now: SiteSnapshot) -> Iterator[Finding]:
    for server in now.servers:
        if server.left_alone and (server.is_up or not server.is_fresh):
            probe = "answered its last probe, and fails answers" if server.is_up else "fails answers"
            sentence = f"{server.called} {probe}: it is {server.left_alone}."
            yield Finding("Failing model server", sentence, "warning")


def unexplained_queue(now: SiteSnapshot) -> Iterator[Finding]:
    if now.workers and not now.is_saturated and now.oldest_queued_s >= LONG_QUEUE_S:
        sentence = f"A question has waited for {now.oldest_queued_s:.0f} s though workers have room."
        yield Finding("Questions wait", f"{sentence} The workers' machine may be overloaded, or beat does not run.")


def stuck(now: SiteSnapshot) -> Iterator[Finding]:
    if now.stuck:
        verb = "seems" if now.stuck == 1 else "seem"
        yield Finding("Stuck answers", f"{counted(now.stuck, 'running answer')} {verb} to make no progress.", "warning")


def errors(now: SiteSnapshot) -> Iterator[Finding]:
    if now.failed_percent is not None and now.failed_percent >= MANY_FAILED_PERCENT:
        most = f", most often by {now.top_error}" if now.top_error else ""
        yield Finding("Errors", f"{now.failed_percent:.0f} % of the answers of the last 15 minutes failed{most}.")


def slow_browsers(now: SiteSnapshot) -> Iterator[Finding]:
    if now.waiting:
        sentence = f"{now.waiting} of {counted(now.sockets, 'open page')} "
        sentence += f"{'does' if now.waiting == 1 else 'do'} not read what was sent: a slow browser, a slow network, "
        yield Finding("Slow browser", f"{sentence}or a computer that sleeps. Nobody else waits for that.", "warning")


def unprobed(now: SiteSnapshot) -> Iterator[Finding]:
    for server in now.servers:
        if not (server.is_fresh or server.is_new or now.is_saturated):
            since = f"{server.age.total_seconds():.0f} s" if server.age else "two minutes or more"
            yield Finding(
                "Unknown", f"{server.called}: no probe for {since}: do beat and the background worker run?", "warning"
            )


def drained(now: SiteSnapshot) -> Iterator[Finding]:
    if not now.up and any(server.drained for server in now.servers):
        yield Finding("No server in use", NONE_IN_USE)
    for server in now.servers:
        if server.drained:
            sentence = f"{server.called} gets no new requests until an operator undrains it."
            yield Finding("Drained", sentence, "warning")


def differing(now: SiteSnapshot) -> Iterator[Finding]:
    for state in now.differing:
        yield from (Finding("Mixed versions", f"{name_of(state)}: {what}", "warning") for what in differences_of(state))


def budget(now: SiteSnapshot) -> Iterator[Finding]:
    if now.budget_percent is not None and now.budget_percent >= LITTLE_LEFT_PERCENT:
        sentence = f"{now.budget_percent:.0f} % of the site's budget of today is used or reserved."
        yield Finding("Budget", f"{sentence} Answers become shorter and cheaper, then are refused.", "warning")


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
