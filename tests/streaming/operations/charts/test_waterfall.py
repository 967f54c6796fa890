"""The life of one generation as a picture, and its page."""

from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from conversations.models import Generation, GenerationTiming
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import Plan, PlannedStage, StageResult, results_as_json
from streaming.operations.charts.moments import in_words, moments_of
from streaming.operations.charts.waterfall import WIDTH, beginning, whole
from tests.streaming.operations.pages.test_overview import text_of
from tests.streaming.operations.rows import CANARY, after, asked, ended, failed

STAGES = Plan(
    (PlannedStage(0, "draft", "Draft"), PlannedStage(1, "deep", "Deep", waits=True)), reasons=("You chose Deep.",)
)
OUTCOMES = {
    0: StageResult("done", first_token_s=0.5, ended_s=1.0, cached_tokens=4, server_ms={"queued": 12.0}),
    1: StageResult("done", first_token_s=1.5, ended_s=2.5, cached_tokens=3),
}


def complete(owner: User, click_ago: float = 0.2) -> Generation:
    """One of which everything is known: accepted 0.2 s after its click, first token at 0.5 s, 2 s of writing."""
    generation = ended(owner, ttft=0.5, writing=2.0, plan=STAGES.as_json(), outcomes=results_as_json(OUTCOMES))
    at = generation.accepted_at
    moments = {"clicked_at": after(at, -click_ago), "dispatched_at": after(at, 0.05)}
    Generation.objects.filter(pk=generation.pk).update(**moments, upstream_ended_at=after(at, 2.55))
    GenerationTiming.objects.create(
        generation=generation,
        received_at=after(at, -0.05),
        first_byte_at=after(at, 0.45),
        first_append_at=after(at, 0.52),
        committed_at=after(at, 2.63),
        published_at=after(at, 2.64),
        first_frame_at=after(at, 0.53),
        first_paint_ms=800,
        gap_p50_ms=10.5,
        gap_p95_ms=20.5,
        gap_longest_ms=99.0,
        text_bytes=1000,
        redis_bytes=5000,
        database_bytes=2000,
        socket_bytes=12_000,
        viewers=2,
    )
    return Generation.objects.get(pk=generation.pk)


def test_every_phase_has_a_row(alice: User) -> None:
    bars = whole(complete(alice), timezone.now()).bars

    assert {bar.label: round(bar.ms) for bar in bars} == {
        "Click to server": 150,
        "Accepting": 50,
        "Storing, dispatching": 50,
        "In the queue": 50,
        "Preparing the request": 100,
        "Waiting for the first byte": 250,
        "Waiting for the first token": 50,
        "First token into the log": 20,
        "First token to a browser": 30,
        "First paint": 70,
        "Writing": 2000,
        "Model server's end": 50,
        "Text into the log": 50,
        "Storing the end": 30,
        "Publishing the end": 10,
        "Stage: Draft": 500,
        "Stage: Deep": 1000,
    }


def test_the_beginning_follows_without_a_gap(alice: User) -> None:
    bars = beginning(complete(alice), timezone.now()).bars

    assert (bars[0].label, bars[-1].label) == ("Click to server", "First paint")
    one_way = [bar for bar in bars if "into the log" not in bar.label]
    assert [bar.end_ms for bar in one_way[:-1]] == pytest.approx([bar.begin_ms for bar in one_way[1:]])


def test_the_page_is_honest_about_the_end(operator: Client, alice: User) -> None:
    page = text_of(operator, f"/ops/generations/{complete(alice).pk}/")

    assert "2.64 s</dd>" in page  # in all
    for moment in ("the end about to be stored", "End in the database", "End in the log: finished"):
        assert moment in page


def test_all_rows_are_to_one_scale(alice: User) -> None:
    picture = whole(complete(alice), timezone.now())

    scale = {
        round((bar.x - picture.bars[0].x) / (bar.begin_ms - picture.bars[0].begin_ms), 3) for bar in picture.bars[1:]
    }
    assert scale == {round(WIDTH / 2840, 3)}
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 3 for bar in picture.bars)
    assert (picture.ticks[0], picture.ticks[-1]) == ("-0.2 s", "2.6 s")


def test_a_browser_whose_clock_is_wrong_is_left_out(operator: Client, alice: User) -> None:
    generation = complete(alice, click_ago=-3)

    assert not {"clicked", "painted"} & moments_of(generation).keys()
    assert "The browser’s clock differs" in text_of(operator, f"/ops/generations/{generation.pk}/")
    assert "0.800 s" in text_of(operator, f"/ops/generations/{generation.pk}/")


def test_one_that_runs_goes_on(alice: User) -> None:
    claimed = timezone.now() - timedelta(seconds=3)
    generation = asked(alice, status=Status.RUNNING, accepted_at=after(claimed, -1), claimed_at=claimed)

    (*_, last) = whole(generation, timezone.now()).bars

    assert last.is_open and last.label == "Preparing the request" and last.ms > 2900


def test_one_that_was_taken_over_has_no_first_request(alice: User) -> None:
    generation = ended(alice, attempt=2)
    generation.requested_at = after(generation.accepted_at, 1.5)

    labels = [bar.label for bar in whole(generation, timezone.now()).bars]

    assert "Preparing the request" not in labels and "Waiting for the first token" in labels
    assert generation.model_first_token is None


def test_the_wait_for_a_server_that_failed_has_a_row(alice: User) -> None:
    generation = ended(alice, ttft=9.0)
    generation.first_requested_at = after(generation.accepted_at, 0.2)
    generation.requested_at = after(generation.accepted_at, 8.2)

    took = {bar.label: round(bar.ms) for bar in whole(generation, timezone.now()).bars}

    assert took["Preparing the request"] == 100
    assert (took["Until it was asked again"], took["Waiting for the first token"]) == (8000, 800)


def test_one_that_was_asked_again_in_mid_answer_has_its_first_request(alice: User) -> None:
    generation = ended(alice, ttft=0.5)
    generation.first_requested_at = after(generation.accepted_at, 0.2)
    generation.requested_at = after(generation.accepted_at, 1.5)

    took = {bar.label: round(bar.ms) for bar in whole(generation, timezone.now()).bars}

    assert (took["Waiting for the first token"], took["Writing"]) == (300, 2000)
    assert "asked_again" in moments_of(generation)


def test_the_page_tells_all_figures_and_no_text(operator: Client, alice: User) -> None:
    page = text_of(operator, f"/ops/generations/{complete(alice).pk}/")

    for words in (
        "0.300 s",
        "0.500 s",
        "0.800 s",
        "10.5 ms",
        "p95 20.5",
        "7 cached",
        "queued 12 ms",
        "You chose Deep.",
    ):
        assert words in page
    for ratio in ("1.0</td>", "5.0</td>", "2.0</td>", "12.0</td>"):
        assert ratio in page
    assert CANARY not in page


@pytest.mark.parametrize("make", [asked, ended])
def test_one_of_which_little_is_known_is_shown(operator: Client, alice: User, make: object) -> None:
    generation = make(alice)  # type: ignore[operator]

    assert "Generation</h1>" in text_of(operator, f"/ops/generations/{generation.pk}/")


def test_operators_see_what_went_wrong_and_not_what_was_said_of_it(operator: Client, alice: User) -> None:
    page = text_of(operator, f"/ops/generations/{failed(alice, 'overloaded').pk}/")

    assert "<strong>overloaded</strong>: 503" in page
    assert CANARY not in page


def test_each_piece_that_changes_has_a_name_of_its_own(operator: Client, alice: User) -> None:
    page = text_of(operator, f"/ops/generations/{complete(alice).pk}/")

    names = sorted(piece.partition('"')[0] for piece in page.split('data-live="')[1:])
    assert len(names) > 7 and all(one != other for one, other in pairwise(names))


def test_users_are_refused_and_nothing_is_not_found(client: Client, alice: User, otto: User) -> None:
    pk = complete(alice).pk
    client.force_login(alice)
    assert client.get(f"/ops/generations/{pk}/").status_code == 403

    client.force_login(otto)
    assert client.get(f"/ops/generations/{uuid4()}/").status_code == 404


@pytest.mark.parametrize(
    ("ms", "words"), [(0.04, "0.0 ms"), (9.94, "9.9 ms"), (250.4, "250 ms"), (1234, "1.23 s"), (65_400, "65.4 s")]
)
def test_times_are_told_as_people_read_them(ms: float, words: str) -> None:
    assert in_words(ms) == words


def test_the_routers_reason_is_told_without_the_questions_words(operator: Client, alice: User) -> None:
    plan = Plan(
        STAGES.stages,
        "simple",
        reasons=(f"Complexity: simple (is small talk, {CANARY}).", "Routed to Small."),
        scores={"complexity": 0.125, "domain": "other"},
    )
    generation = ended(alice, plan=plan.as_json())

    page = text_of(operator, f"/ops/generations/{generation.pk}/")

    assert CANARY not in page
    assert "complexity 0.125, domain other" in page and "Routed to Small." in page
