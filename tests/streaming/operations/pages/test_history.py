"""What happened, as operators see it and take it home."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from conversations.models import GenerationTiming, RollUp, Sample
from conversations.models.generation.generation import Status
from conversations.models.operations.recording import record_ended
from streaming.operations.charts.exports import harmless
from streaming.operations.charts.plots import Plot, Value
from tests.streaming.operations.rows import CANARY, ended, failed


@pytest.fixture
def answers(alice: User) -> None:
    """Within the last minutes: a fast one, a slow one, one stopped, one failed."""
    ended(alice, ago=100, ttft=0.4)
    ended(alice, ago=100, ttft=2.0)
    ended(alice, ago=300, ttft=0.4, status=Status.STOPPED)
    failed(alice, "overloaded", ago=300)
    record_ended()


def plots(client: Client, query: str = "") -> dict[str, Plot]:
    found: list[Plot] = client.get(f"/ops/history/{query}").context["plots"]
    return {plot.title: plot for plot in found}


def values(plot: Plot, label: str) -> list[Value]:
    return next(list(series.values) for series in plot.series if series.label == label)


def known(plot: Plot, label: str) -> list[float]:
    return [value for value in values(plot, label) if value is not None]


def test_answers_are_counted_by_outcome_and_errors_by_code(operator: Client, answers: None) -> None:
    found = plots(operator)

    ended_ones = found["Finished answers"]
    assert [sum(known(ended_ones, outcome)) for outcome in ("done", "stopped", "failed")] == [2, 1, 1]
    assert sum(known(found["Errors"], "overloaded")) == 1


def test_first_tokens_are_told_by_percentile_and_by_who_waited_a_second(operator: Client, answers: None) -> None:
    found = plots(operator)

    assert known(found["First token"], "p99")[-1] == pytest.approx(2.0, rel=0.05)
    assert known(found["First tokens within 1 s"], "share") == [100, 50]


def test_what_users_felt_stands_beside_what_we_saw(operator: Client, alice: User) -> None:
    GenerationTiming.objects.create(generation=ended(alice, ttft=0.4), first_paint_ms=900, gap_p95_ms=50)
    ended(alice)
    record_ended()

    found = plots(operator)

    assert known(found["Perceived TTFT"], "p95") == [pytest.approx(0.9, rel=0.05)]
    assert known(found["Gap between tokens"], "p95") == [pytest.approx(0.05, rel=0.05)]


def test_what_is_not_known_is_a_gap_and_what_did_not_happen_is_zero(operator: Client) -> None:
    now = timezone.now()
    Sample.take(now - timedelta(minutes=10), {"running": 2})

    found = plots(operator)

    assert known(found["Finished answers"], "done") == [0]
    assert len(values(found["Finished answers"], "done")) == 60
    assert known(found["Concurrent (peak)"], "running") == [2]
    assert found["First token"].is_empty


def test_history_of_before_the_first_sample_is_shown_where_there_is_any(operator: Client, answers: None) -> None:
    assert known(plots(operator)["Finished answers"], "done") == [0, 2]


def as_csv(client: Client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"/ops/history/file/?format=csv{query}")
    assert "attachment" in response.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(body_of(response))))


def as_json(client: Client, query: str = "") -> Any:
    return json.loads(body_of(client.get(f"/ops/history/file/?format=json{query}")))


def body_of(response: Any) -> str:
    """Of one that is streamed."""

    async def collect() -> bytes:
        return b"".join([piece async for piece in response])

    return async_to_sync(collect)().decode()


def test_a_file_is_sent_row_by_row(operator: Client) -> None:
    response = operator.get("/ops/history/file/?format=csv")

    assert response.streaming and response.is_async  # a plain iterator would be read to its end before the first byte


@pytest.fixture
def own() -> str:
    """A range that stays the same while the test looks twice."""
    now = timezone.localtime()
    return f"&range=own&begin={now - timedelta(minutes=30):%Y-%m-%dT%H:%M}&end={now:%Y-%m-%dT%H:%M}"


def test_a_file_has_what_is_shown(operator: Client, answers: None, own: str) -> None:
    shown = {
        f"{plot.title}: {series.label}": list(series.values)
        for plot in plots(operator, f"?{own}").values()
        for series in plot.series
    }

    table, data = as_csv(operator, own), as_json(operator, own)

    assert data["columns"] == list(shown) == list(table[0])[4:]
    for number, (name, column) in enumerate(shown.items()):
        assert [row["values"][number] for row in data["rows"]] == column
        assert [row[name] for row in table] == ["" if value is None else str(value) for value in column]


def test_a_file_says_when_and_whose(operator: Client, answers: None, own: str) -> None:
    rows = as_csv(operator, own)

    assert len(rows) == 30
    assert (rows[0]["tier"], rows[0]["server"], rows[0]["end"]) == ("all", "all", rows[1]["begin"])


def test_a_file_has_no_formulas(operator: Client, db: None) -> None:
    name = "=HYPERLINK(1)"
    for grain in ("day", "minute"):
        RollUp.objects.create(grain=grain, begin=timezone.now().replace(second=0), tier=name)

    rows = as_csv(operator, f"&tier={name}")

    assert {row["tier"] for row in rows} == {f"'{name}"}


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tb", "\rc"])
def test_texts_that_spreadsheets_would_reckon_with_are_marked(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(-1.5) == -1.5 and harmless("a=1") == "a=1"


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_no_text_of_users_is_in_a_file(operator: Client, answers: None, kind: str) -> None:
    assert CANARY not in body_of(operator.get(f"/ops/history/file/?format={kind}"))


def test_other_formats_are_not_found(operator: Client) -> None:
    assert operator.get("/ops/history/file/?format=exe").status_code == 404
