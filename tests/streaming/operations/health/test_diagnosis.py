"""What is wrong is told by its likely cause, first the most specific; each of the usual problems has a name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streaming.model_servers.drains import Drain
from streaming.model_servers.probes import Health
from streaming.operations.health.diagnosis import diagnosis
from streaming.operations.health.score import score_of
from streaming.operations.health.snapshot import SiteSnapshot
from streaming.operations.measurements.live import ServerState
from streaming.operations.measurements.paces import Pace
from streaming.telemetry.heartbeats import BeatState, WebState, WorkerState
from streaming.telemetry.process_stats import Lag, ProcessStats, versions

PROBED_AT = datetime(2100, 1, 1, tzinfo=UTC)  # fresh, however long the tests take


def server(name: str = "gpu-1:8000", *, healthy: bool = True, breaker: str = "closed") -> ServerState:
    return ServerState(name, Health(name, PROBED_AT, healthy, "" if healthy else "refused"), [breaker])


def pace(name: str = "gpu-1:8000", first: float | None = 0.3, rate: float | None = 50.0, **usual: float) -> Pace:
    return Pace(name, "llama", first, rate, **usual)


WELL = SiteSnapshot(
    redis_ms=0.4, database_ms=0.2, beats=1, backgrounds=1, workers=2, attempts=30, room=512,
    servers=[server(), server("gpu-2:8000")],
    paces=[pace(usual_first_token_s=0.3, usual_rate=50.0)], sockets=40, failed_percent=0.5, fast_percent=100.0,
    budget_percent=20.0,
)  # fmt: skip


def process_stats(**fields: Any) -> ProcessStats:
    well = {"versions": versions(), "cpu": 0.25, "rss": 90_000_000, "lag": Lag(1.5, 4.0)}
    return ProcessStats(**({"started_at": PROBED_AT - timedelta(hours=2)} | well | fields))


def worker(**fields: Any) -> WorkerState:
    return WorkerState(process="host:1", told_at=PROBED_AT, running=30, limit=256, stats=process_stats(**fields))


def titles(now: SiteSnapshot) -> list[str]:
    return [finding.title for finding in diagnosis(now)]


def told(now: SiteSnapshot) -> str:
    return " ".join(finding.sentence for finding in diagnosis(now))


def test_all_is_well() -> None:
    assert diagnosis(WELL) == []
    assert score_of(WELL).points == 100


def test_a_site_that_nobody_has_used_is_well() -> None:
    unused = replace(WELL, attempts=0, paces=[], sockets=0, failed_percent=None, fast_percent=None, budget_percent=None)

    assert diagnosis(unused) == []
    assert score_of(unused).points == 100


def test_a_dead_model_server_is_named() -> None:
    now = replace(WELL, servers=[server(), server("gpu-2:8000", healthy=False)])

    assert titles(now) == ["Dead model server"]
    assert told(now).startswith("gpu-2:8000 does not answer as a model server should: refused.")
    assert score_of(now).points == 85


def test_without_any_model_server_it_says_that_answers_fail() -> None:
    now = replace(WELL, servers=[server(healthy=False)])

    assert "No other is in use" in told(now)
    assert score_of(now).points == 50


def test_when_all_servers_are_drained_it_says_that_answers_fail() -> None:
    now = replace(WELL, servers=[replace(server(), drained=Drain("otto", PROBED_AT))])

    assert titles(now) == ["No server in use", "Drained"]
    assert score_of(now).points == 50


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (pace(first=1.2, usual_first_token_s=0.3), "takes 1.2 s to a first token; usually it is 0.30 s"),
        (pace(rate=12.0, usual_rate=50.0), "writes 12.0 tokens a second; usually it is 50"),
        (pace(first=6.0, rate=None), "takes 6.0 s to a first token."),
        (pace(first=None, rate=2.0), "writes 2.0 tokens a second."),
    ],
)
def test_a_slow_model_server_is_named_with_what_is_usual(measured: Pace, words: str) -> None:
    now = replace(WELL, paces=[measured])

    assert titles(now) == ["Slow model server"]
    assert f"gpu-1:8000 {words}" in told(now)


def test_a_server_is_compared_with_another_of_the_same_model() -> None:
    slow, fast = pace(first=3.0), pace("gpu-2:8000", first=0.2)
    of_another_model = Pace("gpu-3:8000", "larger", 3.0, 20.0)

    now = replace(WELL, paces=[slow, fast, of_another_model])

    assert titles(now) == ["Slow model server"]
    assert "gpu-1:8000 takes 3.0 s to a first token; another with the same model has 0.20 s." in told(now)


def test_a_little_slower_is_no_trouble() -> None:
    measured = pace(first=0.7, rate=25.0, usual_first_token_s=0.3, usual_rate=50.0)

    assert diagnosis(replace(WELL, paces=[measured])) == []


def test_a_saturated_worker_is_told_with_its_queue() -> None:
    stale = ServerState("gpu-1:8000", None)  # the probe waits for a place too
    now = replace(WELL, workers=1, attempts=256, room=256, queued=12, oldest_queued_s=8.0, servers=[stale, server()])

    assert titles(now) == ["Saturated worker"]
    assert "The 256 places of 1 worker are taken, and 12 questions wait, the oldest for 8 s." in told(now)


def test_a_worker_without_a_processor_left_is_saturated_long_before_its_places_are_taken() -> None:
    late, full = worker(lag=Lag(320.0, 900.0)), worker(cpu=0.97)
    now = replace(WELL, processes=[worker(), late, full], queued=3, oldest_queued_s=9.0)

    assert titles(now) == ["Saturated worker", "Saturated worker"]
    assert "Worker host:1: it wakes 320 ms late (p95)" in told(now) and "it keeps 1.0 cores busy" in told(now)
    assert score_of(replace(WELL, processes=[late])).points == 90


def test_a_process_that_has_just_started_may_be_busy_with_that() -> None:
    young = worker(cpu=1.0, lag=Lag(320.0, 900.0), started_at=PROBED_AT - timedelta(seconds=5))

    assert diagnosis(replace(WELL, processes=[young])) == []


def test_a_busy_web_process_is_named() -> None:
    web = WebState(process="host:2", told_at=PROBED_AT, sockets=40, stats=process_stats(lag=Lag(80.0, 90.0)))

    assert titles(replace(WELL, processes=[web])) == ["Busy process"]


def test_a_beat_whose_machine_is_busy_is_not_to_be_doubled() -> None:
    beat = BeatState(process="host:3", told_at=PROBED_AT, stats=process_stats(lag=Lag(1500.0, 2000.0), cpu=1.0))

    assert told(replace(WELL, processes=[beat])).endswith("1500 ms late (p95). Its machine has too much to do.")


def test_processes_of_other_versions_are_named() -> None:
    now = replace(WELL, processes=[worker(versions=versions() | {"Django": "1.0"})])

    assert titles(now) == ["Mixed versions"]
    assert score_of(now).points == 95


def test_a_missing_beat_is_told() -> None:
    now = replace(WELL, beats=0)

    assert titles(now) == ["No beat"]
    assert score_of(now).points == 80


def test_limits_of_redis_and_the_database_are_told() -> None:
    now = replace(WELL, store_warnings=["Redis cannot write its files: see its log, and the disk."])

    assert told(now) == "Redis cannot write its files: see its log, and the disk."
    assert score_of(now).points == 90


def test_a_queue_beside_free_places_is_no_saturation() -> None:
    assert titles(replace(WELL, queued=1, oldest_queued_s=9.0)) == ["Questions wait"]
    assert diagnosis(replace(WELL, queued=1, oldest_queued_s=0.5)) == []


def test_slow_redis_is_told_with_its_round_trip() -> None:
    now = replace(WELL, redis_ms=120.0)

    assert titles(now) == ["Slow Redis"]
    assert "A round trip to Redis takes 120 ms" in told(now)
    assert score_of(now).points == 88


def test_without_redis_nothing_is_guessed_of_the_rest() -> None:
    now = replace(WELL, redis_ms=None, beats=0, workers=0, servers=[ServerState("gpu-1:8000", None)])

    assert titles(now) == ["Redis is down"]
    assert score_of(now).points == 40


def test_a_slow_browser_is_nobody_elses_trouble() -> None:
    now = replace(WELL, waiting=1)

    assert titles(now) == ["Slow browser"]
    assert "1 of 40 open pages does not read what was sent" in told(now)
    assert score_of(now).points == 100


def test_a_server_whose_answers_fail_is_named() -> None:
    now = replace(WELL, servers=[server(breaker="open"), server("gpu-2:8000")])

    assert titles(now) == ["Failing model server"]
    assert score_of(now).points == 95


def test_a_server_whose_answers_fail_is_named_without_a_probe_too() -> None:
    now = replace(WELL, servers=[ServerState("gpu-1:8000", None, ["open"]), server()])

    assert titles(now) == ["Failing model server", "Unknown"]
    assert "gpu-1:8000 fails answers: it is left alone by 1 of 1 workers." in told(now)


def test_the_likely_cause_comes_first() -> None:
    now = replace(WELL, workers=0, redis_ms=50.0, failed_percent=40.0, top_error="no_server", stuck=2)
    now = replace(now, servers=[server(healthy=False)], budget_percent=95.0)

    assert titles(now) == ["No worker", "Dead model server", "Slow Redis", "Stuck answers", "Errors", "Budget"]
    assert "most often by no_server" in told(now)
    assert score_of(now).points == 0
