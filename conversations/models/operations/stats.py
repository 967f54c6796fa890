"""Stats of ended answers: counts and histograms, which can be added over any times, tiers and servers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from conversations.models.generation.generation import Status

from .histogram import Histogram


class Measure(models.TextChoices):
    """The histograms: in seconds, except for SPEED, in tokens per second."""

    FIRST_TOKEN = "first_token", "First token: accepted to first token"
    MODEL_FIRST_TOKEN = "model_first_token", "Model's first token: requested to first token"
    PERCEIVED = "perceived", "Perceived TTFT: click to first paint in the browser"
    DURATION = "duration", "Whole answer: accepted to finished"
    QUEUED = "queued", "Queued: accepted to claimed"
    STARTING = "starting", "Starting: claimed to requested"
    WAITING = "waiting", "Waiting: requested to first token, or to the end without one"
    WRITING = "writing", "Writing: first token to last token"
    FINISHING = "finishing", "Finishing: last token to finished"
    SPEED = "speed", "Tokens per second of one answer"
    STOP = "stop", "Time to stop: requested to the closed connection"
    GAP = "gap", "p95 gap between tokens, per answer"


TOKENS_IN, TOKENS_CACHED, TOKENS_OUT = "tokens_in", "tokens_cached", "tokens_out"
FAILOVERS, TAKEOVERS, STOPS = "failovers", "takeovers", "stop_requests"
COST = "cost"  # in billionths of the currency
ANSWERS = "answers:"  # followed by the status
ERRORS = "errors:"  # followed by the code
FAST_S = 1.0  # a bucket bound, so the share is exact


@dataclass
class Stats:
    counts: Counter[str] = field(default_factory=Counter)
    histograms: defaultdict[str, Histogram] = field(default_factory=lambda: defaultdict(Histogram))

    @property
    def answers(self) -> int:
        return sum(count for name, count in self.counts.items() if name.startswith(ANSWERS))

    def ended(self, status: str) -> int:
        return self.counts[f"{ANSWERS}{status}"]

    @property
    def failed_percent(self) -> float | None:
        """None if nothing ended."""
        return 100 * self.ended(Status.FAILED) / self.answers if self.answers else None

    @property
    def fast_percent(self) -> float | None:
        """The percentage of first tokens that came within FAST_S; None without any."""
        share = self.of(Measure.FIRST_TOKEN).share_within(FAST_S)
        return None if share is None else 100 * share

    @property
    def errors(self) -> list[tuple[str, int]]:
        """Counts by code, the most frequent first."""
        found = [(name.removeprefix(ERRORS), n) for name, n in self.counts.items() if name.startswith(ERRORS) and n]
        return sorted(found, key=lambda error: (-error[1], error[0]))

    @property
    def is_something(self) -> bool:
        return any(self.counts.values()) or bool(self.histograms)

    def of(self, measure: str) -> Histogram:
        """The histogram of a measure; empty if nothing was observed."""
        return self.histograms[measure] if measure in self.histograms else Histogram()

    def add(self, other: Stats) -> None:
        self.counts.update(other.counts)
        for name, histogram in other.histograms.items():
            self.histograms[name].add(histogram)

    def as_json(self) -> dict[str, Any]:
        """Under the names of RollUp's fields."""
        histograms = {name: histogram.as_json() for name, histogram in sorted(self.histograms.items())}
        return {"counts": {name: count for name, count in self.counts.items() if count}, "histograms": histograms}

    def add_json(self, counts: Mapping[str, int], histograms: Mapping[str, Any]) -> None:
        for name, count in counts.items():
            self.counts[name] += count
        for name, data in histograms.items():
            self.histograms[name].add_json(data)
