"""The history: roll-ups of ended answers, and samples of gauges, by minute, hour and day.

All periods, days too, begin and end in UTC, so that their lengths don't depend on daylight saving time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.db import models, transaction

from .measuring import SERVER_LENGTH, TIER_LENGTH, Dimension
from .stats import Stats


class Grain(models.TextChoices):
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        return {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}[self.value]

    @property
    def kept(self) -> timedelta:
        days = {"minute": settings.HISTORY_MINUTES_DAYS, "hour": settings.HISTORY_HOURS_DAYS}
        return timedelta(days=days.get(self.value, settings.HISTORY_DAYS_DAYS))

    def begin_of(self, moment: datetime) -> datetime:
        return floor(moment, self.length)


EPOCH = datetime.fromtimestamp(0, UTC)
# The grain of roll-ups that begin at EPOCH and are never purged: Prometheus counters, which must only grow.
EVER = "ever"


def floor(moment: datetime, length: timedelta) -> datetime:
    """Round down to a multiple of ``length`` since 1970, in UTC, because local clocks skip and repeat hours."""
    return moment.astimezone(UTC) - (moment - EPOCH) % length


M = TypeVar("M", bound=models.Model)


class RecordQuerySet(models.QuerySet[M]):
    def within(self, grain: Grain, begin: datetime, end: datetime) -> Self:
        return self.filter(grain=grain, begin__gte=begin, begin__lt=end)

    def outlived(self, now: datetime) -> Self:
        """Rows past their retention."""
        old = [models.Q(grain=grain, begin__lt=now - grain.kept) for grain in Grain]
        return self.filter(models.Q(*old, _connector=models.Q.OR))


class RollUp(models.Model):
    """Sums over the answers that ended in this minute, hour or day, or ever."""

    grain = models.CharField(max_length=6, choices=[*Grain.choices, (EVER, "Ever")])
    begin = models.DateTimeField()
    tier = models.CharField(max_length=TIER_LENGTH, blank=True)
    server = models.CharField(max_length=SERVER_LENGTH, blank=True)
    counts = models.JSONField(default=dict)
    histograms = models.JSONField(default=dict)

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ("grain", "begin", "tier", "server")
        constraints = (models.UniqueConstraint(fields=["grain", "begin", "tier", "server"], name="rolled_up_once"),)

    def __str__(self) -> str:
        return f"{self.grain} {self.begin:%Y-%m-%d %H:%M} {self.tier} {self.server}"

    @property
    def stats(self) -> Stats:
        found = Stats()
        found.add_json(self.counts, self.histograms)
        return found

    @property
    def key(self) -> Key:
        return Key(self.grain, self.begin, Dimension(self.tier, self.server))

    @staticmethod
    def grow(added: Mapping[Key, Stats]) -> None:
        """Add these stats. Call it in a transaction."""
        empty = [RollUp(grain=key.grain, begin=key.begin, tier=key.of.tier, server=key.of.server) for key in added]
        RollUp.objects.bulk_create(empty, ignore_conflicts=True)
        rows = RollUp.objects.filter(
            grain__in={key.grain for key in added},
            begin__in={key.begin for key in added},
            tier__in={key.of.tier for key in added},
            server__in={key.of.server for key in added},
        )
        grown = [row for row in rows.select_for_update().order_by("pk") if row.key in added]
        for row in grown:
            stats = row.stats
            stats.add(added[row.key])
            for name, value in stats.as_json().items():
                setattr(row, name, value)
        RollUp.objects.bulk_update(grown, ["counts", "histograms"])


@dataclass(frozen=True)
class Key:
    """Identifies a roll-up."""

    grain: str  # a Grain, or EVER
    begin: datetime
    of: Dimension


def stats_since(moment: datetime) -> Stats:
    """Stats of all answers that ended since the beginning of that minute. One query."""
    rows = RollUp.objects.filter(grain=Grain.MINUTE, begin__gte=Grain.MINUTE.begin_of(moment))
    return stats_of(rows)


def stats_of(rows: models.QuerySet[RollUp]) -> Stats:
    found = Stats()
    for counts, histograms in rows.order_by().values_list("counts", "histograms"):
        found.add_json(counts, histograms)
    return found


class Gauge(models.TextChoices):
    RUNNING = "running", "Running"
    QUEUED = "queued", "Queued"
    SOCKETS = "sockets", "Open sockets"
    TOKENS_PER_SECOND = "tokens_per_second", "Tokens per second, as the model servers count them"


@dataclass(frozen=True)
class Reading:
    """One gauge, read once or several times."""

    count: int
    sum: float
    last: float
    max: float

    @property
    def mean(self) -> float:
        return self.sum / self.count

    def followed_by(self, later: Reading) -> Reading:
        most = max(self.max, later.max)
        return Reading(self.count + later.count, self.sum + later.sum, later.last, most)


class Sample(models.Model):
    """Gauge readings of one minute, hour or day. Without a row, nothing was recorded."""

    grain = models.CharField(max_length=6, choices=Grain.choices)
    begin = models.DateTimeField()
    gauges = models.JSONField(default=dict, help_text="By name: count, sum, last and largest value.")

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ("grain", "begin")
        constraints = (models.UniqueConstraint(fields=["grain", "begin"], name="sampled_once"),)

    def __str__(self) -> str:
        return f"{self.grain} {self.begin:%Y-%m-%d %H:%M}"

    @property
    def readings(self) -> dict[str, Reading]:
        return {name: Reading(*values) for name, values in self.gauges.items()}

    @staticmethod
    @transaction.atomic
    def take(moment: datetime, values: Mapping[str, float]) -> None:
        """Record the gauges' current values."""
        Sample.objects.bulk_create(
            [Sample(grain=grain, begin=grain.begin_of(moment)) for grain in Grain], ignore_conflicts=True
        )
        periods = [models.Q(grain=grain, begin=grain.begin_of(moment)) for grain in Grain]
        rows = Sample.objects.filter(models.Q(*periods, _connector=models.Q.OR)).select_for_update().order_by("pk")
        for row in rows:
            readings = follow(row.readings, {name: Reading(1, v, v, v) for name, v in values.items()})
            row.gauges = {name: astuple(reading) for name, reading in readings.items()}
            row.save(update_fields=["gauges"])


def follow(readings: Mapping[str, Reading], later: Mapping[str, Reading]) -> dict[str, Reading]:
    """Merge the readings of each gauge that is in either."""
    both = {name: readings[name].followed_by(later[name]) for name in readings.keys() & later.keys()}
    return {**readings, **later, **both}


def purge(now: datetime) -> int:
    """Delete rows past their retention, and return how many."""
    return sum(rows.outlived(now).delete()[0] for rows in (RollUp.objects, Sample.objects))
