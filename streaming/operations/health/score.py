"""The health score: 100 minus what each part loses. The page shows every part with its rule and its value."""

from __future__ import annotations

from dataclasses import dataclass

from .diagnosis import slow_servers
from .snapshot import SiteSnapshot


@dataclass(frozen=True)
class Part:
    name: str
    measured: str
    rule: str
    lost: int


@dataclass(frozen=True)
class Score:
    parts: list[Part]

    @property
    def points(self) -> int:
        return max(0, 100 - sum(part.lost for part in self.parts))

    @property
    def word(self) -> str:
        return "healthy" if self.points >= 90 else "degraded" if self.points >= 60 else "down"


def score_of(now: SiteSnapshot) -> Score:
    known = [redis(now), database(now)]
    if now.redis_ms is not None:
        known += [workers(now), background(now), beat(now), processes(now), servers(now), breakers(now)]
    return Score([*known, limits(now), pace(now), failed(now), fast(now), queue(now), stuck(now), budget(now)])


def redis(now: SiteSnapshot) -> Part:
    rule = "1 for each 10 ms of a round trip, at most 20; 60 if it is down"
    if now.redis_ms is None:
        return Part("Redis", "down", rule, 60)
    return Part("Redis", f"{now.redis_ms:.1f} ms", rule, at_most(20, now.redis_ms / 10))


def database(now: SiteSnapshot) -> Part:
    rule = "1 for each 20 ms of the simplest query, at most 20"
    return Part("Database", f"{now.database_ms:.1f} ms", rule, at_most(20, now.database_ms / 20))


def pace(now: SiteSnapshot) -> Part:
    slow = len(list(slow_servers(now)))
    return Part("Pace of model servers", f"{slow} slow", "15 for each that is slow, at most 30", at_most(30, 15 * slow))


def workers(now: SiteSnapshot) -> Part:
    return Part("Workers", f"{now.workers} up", "50 if none is up", 0 if now.workers else 50)


def background(now: SiteSnapshot) -> Part:
    return Part("Background", "up" if now.backgrounds else "down", "20 if none is up", 0 if now.backgrounds else 20)


def beat(now: SiteSnapshot) -> Part:
    return Part("Beat", "up" if now.beats else "down", "20 if none is up", 0 if now.beats else 20)


def processes(now: SiteSnapshot) -> Part:
    strained, differing = len(now.strained), len(now.differing)
    measured = f"{strained} strained, {differing} of other versions"
    rule = "10 for each that wakes late or fills a core, at most 30; 5 if versions are mixed"
    return Part("Processes", measured, rule, at_most(30, 10 * strained) + (5 if differing else 0))


def limits(now: SiteSnapshot) -> Part:
    warnings = len(now.store_warnings)
    rule = "10 for each that Redis or the database has nearly reached, and for files not written, at most 30"
    return Part("Limits", f"{warnings} reached", rule, at_most(30, 10 * warnings))


def servers(now: SiteSnapshot) -> Part:
    """A server without a probe counts as down."""
    total = len(now.servers)
    share = (total - now.up) / total if total else 1.0
    lost = 50 if not now.up else round(30 * share)
    return Part(
        "Model servers", f"{now.up} of {total} in use", "30 × the share that is down or drained; 50 if all are", lost
    )


def breakers(now: SiteSnapshot) -> Part:
    percent = now.shut_percent
    return Part(
        "Breakers", f"{percent:.0f} % not closed", "1 for each 10 %, of servers that are up", round(percent / 10)
    )


def failed(now: SiteSnapshot) -> Part:
    percent = now.failed_percent
    measured = "none ended" if percent is None else f"{percent:.1f} %"
    return Part("Failed answers", measured, "1 for each percent of 15 minutes, at most 30", at_most(30, percent or 0))


def fast(now: SiteSnapshot) -> Part:
    percent = now.fast_percent
    measured = "none came" if percent is None else f"{percent:.0f} %"
    lost = 0 if percent is None else round((100 - percent) / 10)
    return Part("First token within 1 s", measured, "1 for each 10 % of 15 minutes that were not", lost)


def queue(now: SiteSnapshot) -> Part:
    rule = "1 for each second beyond 2 that the oldest waits, at most 20"
    measured = f"{now.oldest_queued_s:.0f} s" if now.queued else "nobody waits"
    return Part("Queue", measured, rule, at_most(20, now.oldest_queued_s - 2))


def stuck(now: SiteSnapshot) -> Part:
    return Part("Stuck answers", str(now.stuck), "5 for each, at most 20", at_most(20, 5 * now.stuck))


def budget(now: SiteSnapshot) -> Part:
    percent = now.budget_percent
    measured = "no limit" if percent is None else f"{percent:.0f} % used"
    return Part("Budget", measured, "1 for each percent used beyond 80, at most 20", at_most(20, (percent or 0) - 80))


def at_most(most: int, points: float) -> int:
    return round(min(max(points, 0), most))
