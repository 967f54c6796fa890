"""The current values that rules check.

A reading has a value for each subject: a server's name, or "" for the whole site. None: unknown at the moment; an open
alert then stays unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import cached_property

from conversations.models import Generation
from conversations.models.billing.budget import SiteUse
from conversations.models.generation.generation import Status
from conversations.models.operations.alert_rule import Figure
from conversations.models.operations.history import stats_since
from conversations.models.operations.stats import Measure, Stats
from streaming.operations.health.stuck import stuck_running
from streaming.operations.measurements.answers import oldest_queued
from streaming.operations.measurements.live import Live, live

LATELY = timedelta(minutes=5)
FEWEST = 3  # answers; with fewer, a share or a percentile says nothing
WORTH_COUNTING_S = 1.0  # unfinished waits count from here on

Reading = Mapping[str, float | None]


class Moment:
    """Reads each source at most once."""

    def __init__(self, now: datetime):
        self.now = now

    @cached_property
    def live(self) -> Live:
        return live()

    @cached_property
    def stats(self) -> Stats:
        """Of answers that ended within LATELY."""
        return stats_since(self.now - LATELY)


def readings(figures: Collection[str], now: datetime) -> dict[str, Reading]:
    """One or two queries for each."""
    moment = Moment(now)
    return {figure: READERS[Figure(figure)](moment) for figure in figures}


def first_token(moment: Moment) -> Reading:
    """Unfinished answers count with the TTFT, or else with the wait so far. 0 if there are too few answers."""
    waits = moment.stats.of(Measure.FIRST_TOKEN)
    for accepted, first in Generation.objects.unfinished().order_by().values_list("accepted_at", "first_token_at"):
        waited = ((first or moment.now) - accepted).total_seconds()
        if (first and first >= moment.now - LATELY) or (not first and waited > WORTH_COUNTING_S):
            waits.observe(waited)
    return {"": (waits.p95 or 0.0) if waits.count >= FEWEST else 0.0}


def errors(moment: Moment) -> Reading:
    return {"": (moment.stats.failed_percent or 0.0) if moment.stats.answers >= FEWEST else 0.0}


def queue(moment: Moment) -> Reading:
    return {"": float(Generation.objects.filter(status=Status.QUEUED).count())}


def oldest(moment: Moment) -> Reading:
    waited = oldest_queued(moment.now)
    return {"": waited.total_seconds() if waited else 0.0}


def server_down(moment: Moment) -> Reading:
    return {server.called: float(not server.is_up) if server.is_fresh else None for server in moment.live.servers}


def budget(moment: Moment) -> Reading:
    return {"": SiteUse.of_today().percent or 0.0}


def stuck_answers(moment: Moment) -> Reading:
    return {"": float(stuck_running(moment.now))}


def workers(moment: Moment) -> Reading:
    return {"": float(len(moment.live.workers)) if moment.live.redis else None}


READERS: dict[Figure, Callable[[Moment], Reading]] = {
    Figure.FIRST_TOKEN: first_token,
    Figure.ERRORS: errors,
    Figure.QUEUE: queue,
    Figure.OLDEST: oldest,
    Figure.SERVER: server_down,
    Figure.BUDGET: budget,
    Figure.STUCK: stuck_answers,
    Figure.WORKERS: workers,
}
