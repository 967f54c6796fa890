"""The figures that rules look at, as they are now.

A reading has a value for each subject: a server's name, or "" for the site. None: it is not known at the moment, and
whatever alert there is stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Q

from conversations.models import Generation
from conversations.models.billing.budget import SiteUse
from conversations.models.generation.generation import UNFINISHED, Status
from conversations.models.operations.alert_rule import Figure
from streaming.operations.health.stuck import stuck_running
from streaming.operations.measurements.answers import Percentiles, ended_since, oldest_queued
from streaming.operations.measurements.live import Live, live

LATELY = timedelta(minutes=5)
FEWEST = 3  # answers, of which a share or a percentile says something
WORTH_COUNTING_S = 1.0  # of a wait that has not ended

Reading = Mapping[str, float | None]


class Moment:
    """Looks at nothing twice."""

    def __init__(self, now: datetime):
        self.now = now

    @cached_property
    def live(self) -> Live:
        return live()


def readings(figures: Collection[str], now: datetime) -> dict[str, Reading]:
    """One query for each, at most two."""
    moment = Moment(now)
    return {figure: READERS[Figure(figure)](moment) for figure in figures}


def first_token(moment: Moment) -> Reading:
    """Answers that still wait count with what they have waited so far. 0 if there are too few."""
    since = moment.now - LATELY
    rows = Generation.objects.order_by().filter(Q(status__in=UNFINISHED) | Q(finished_at__gte=since))
    waits = [
        wait
        for accepted, first, status in rows.values_list("accepted_at", "first_token_at", "status")
        if (wait := wait_of(accepted, first, status, moment.now)) is not None
    ]
    percentiles = Percentiles.of(waits) if len(waits) >= FEWEST else None
    return {"": percentiles.p95 if percentiles else 0.0}


def wait_of(accepted: datetime, first: datetime | None, status: str, now: datetime) -> float | None:
    """None if it says nothing of the last minutes."""
    if first:
        return (first - accepted).total_seconds() if first >= now - LATELY else None
    waited = (now - accepted).total_seconds()
    return waited if status in UNFINISHED and waited > WORTH_COUNTING_S else None


def errors(moment: Moment) -> Reading:
    statuses = list(ended_since(moment.now - LATELY).values_list("status", flat=True))
    failed = sum(status == Status.FAILED for status in statuses)
    return {"": 100 * failed / len(statuses) if len(statuses) >= FEWEST else 0.0}


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
