"""Answers arrive while they are written, and a program that comes back loses and doubles nothing."""

import random
import signal
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from redis import Redis

from tests.harness.site import Site

from .program import Answer, Event, Program, events_of

COUNTED = "".join(f"{n} " for n in range(1, 501))


def test_curl_shows_tokens_before_the_answer_is_complete(site: Site, alices: Program) -> None:
    command = ["curl", "-sN", f"{site.url}/api/v1/conversations", "-H", f"Authorization: Bearer {alices.secret}"]
    command += ["-H", "Content-Type: application/json", "-d", '{"text": "count to 300", "stream": true}']
    answer, statuses = Answer(), []

    site.hold(20)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        for event in events_of(line.rstrip("\n") for line in curl.stdout):
            answer.fold(event)
            if event.name == "text.delta" and not statuses:
                statuses.append(alices.stored(event.data["generation"])["status"])
                site.let_go()

    assert curl.returncode == 0
    assert statuses == ["running"]
    assert answer.answer == "".join(f"{n} " for n in range(1, 301))


def test_a_stream_tells_its_place_and_asks_not_to_be_buffered(alices: Program) -> None:
    with alices.http.stream(
        "POST", "/conversations", json={"text": "count to 3"}, headers={"Accept": "text/event-stream"}
    ) as response:
        lines = response.iter_lines()
        first = next(lines)
        events = list(events_of(lines))

    assert (response.status_code, first) == (201, "retry: 1000")
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["location"] == f"/api/v1/generations/{events[-1].data['generation']}/events"
    assert [event.name for event in events].count("answer.finished") == 1


def test_a_program_can_resume_from_every_event(alices: Program) -> None:
    generation = alices.generation("[echo] One *two* 😀.\n\n- three\n- four\n\nFive `six` 👩‍👩‍👧 seven.")["id"]
    with alices.stream(generation) as events:
        told = list(events)
    whole = alices.follow(generation)

    for cut in random.Random(7).sample(range(len(told)), k=min(20, len(told))):
        answer = Answer()
        for event in told[:cut]:
            answer.fold(event)
        assert alices.follow(generation, answer).answer == whole.answer == alices.stored(generation)["text"]


@pytest.mark.parametrize("length", [1, 50, 400, 900])
def test_a_connection_that_breaks_in_mid_answer_loses_nothing(site: Site, alices: Program, length: int) -> None:
    with site.held(length // 2 + 2):  # words: enough for so many characters
        generation = alices.generation("Explain the table with code and a formula")["id"]
        begun = alices.follow_until(generation, length)

    answer = alices.follow(generation, begun)

    assert answer.answer == alices.stored(generation)["text"]
    assert answer.end and answer.end["status"] == "done"


def test_a_connection_that_breaks_often_loses_nothing(alices: Program) -> None:
    generation = alices.generation("count to 200")["id"]
    answer = Answer()
    while answer.end is None:
        with alices.stream(generation, answer.position) as events:
            for _, event in zip(range(7), events, strict=False):
                answer.fold(event)

    assert answer.answer == alices.stored(generation)["text"]


def test_who_has_the_end_is_told_not_to_come_back(alices: Program) -> None:
    generation = alices.generation("count to 3")["id"]
    position = alices.follow(generation).position

    response = alices.http.get(f"/generations/{generation}/events", headers={"Last-Event-ID": position})

    assert response.status_code == 204


@pytest.mark.parametrize("position", ["nonsense", "9-9", "0-0", "1-4294967296", "1-99999999999999999999", "-1-0"])
def test_a_position_that_never_was_gets_everything_anew(alices: Program, position: str) -> None:
    generation = alices.generation("count to 40")["id"]
    answer = Answer({"0.text": "something else"}, position)
    with alices.http.stream(
        "GET", f"/generations/{generation}/events", headers={"Last-Event-ID": position}
    ) as response:
        for event in events_of(response.iter_lines()):
            answer.fold(event)

    assert answer.answer == alices.stored(generation)["text"]


def test_thinking_is_a_part_of_its_own(alices: Program) -> None:
    generation = alices.generation("[think] What is a thread?")["id"]

    answer = alices.follow(generation)

    stored = alices.stored(generation)
    assert (answer.text["0.thinking"], answer.answer) == (stored["thinking"], stored["text"])
    assert "The user asks" in answer.text["0.thinking"]


@pytest.mark.parametrize("length", [0, 30])
def test_an_answer_whose_log_has_expired_comes_from_the_database(site: Site, alices: Program, length: int) -> None:
    generation = alices.generation("count to 30")["id"]
    answer = alices.follow_until(generation, length) if length else Answer()
    alices.follow(generation)
    forget_log(site, generation)

    answer = alices.follow(generation, answer)

    assert answer.answer == alices.stored(generation)["text"]
    assert answer.end and answer.end["status"] == "done"
    assert has_end(alices, generation, answer.position)


def test_a_log_that_lost_its_beginning_is_told_by_the_database(site: Site, alices: Program) -> None:
    with site.held(50):
        generation = alices.generation("count to 300")["id"]
        answer = alices.follow_until(generation, 100)
        with Redis.from_url(site.env["REDIS_URL"]) as redis:
            assert redis.delete(f"throughline:log:{generation}")

    answer = alices.follow(generation, answer)

    assert answer.answer == alices.stored(generation)["text"] == "".join(f"{n} " for n in range(1, 301))


def test_a_failure_is_told_with_its_sentence(alices: Program) -> None:
    generation = alices.generation("count to 20 [[demo status=503]]")["id"]

    end = alices.follow(generation).end

    assert end and (end["status"], end["errorCode"]) == ("failed", "overloaded")
    assert end["error"].endswith(".")
    assert alices.stored(generation)["error"] == {"code": "overloaded", "message": end["error"]}


def test_a_killed_workers_answer_goes_on_in_the_same_stream(site: Site, alices: Program) -> None:
    site.hold(80)
    generation = alices.generation("count to 500")["id"]
    answer = Answer()
    with alices.stream(generation) as events:
        while len(answer.answer) < 200:
            answer.fold(next(events))
        site.worker.kill()
        site.worker = site.start_worker()
        site.let_go()
        for event in events:
            answer.fold(event)

    assert answer.answer == COUNTED == alices.stored(generation)["text"]
    assert alices.stored(generation)["attempt"] == 2


def test_a_program_resumes_across_a_takeover(site: Site, alices: Program) -> None:
    with site.held(80):
        generation = alices.generation("count to 500")["id"]
        answer = alices.follow_until(generation, 200)
        site.worker.kill()
        site.worker = site.start_worker()

    answer = alices.follow(generation, answer)

    assert answer.answer == COUNTED == alices.stored(generation)["text"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_web_process_that_ends_costs_a_reconnection(site: Site, alices: Program, number: signal.Signals) -> None:
    with site.held(80):
        generation = alices.generation("count to 500")["id"]
        answer = Answer()
        with alices.stream(generation) as events:
            while len(answer.answer) < 200:
                answer.fold(next(events))
            site.web.send(number)
            broke = rest_of(events, answer)
        site.web.stop()
        site.web = site.start_web()

    assert answer.end is None
    assert broke == (number == signal.SIGKILL)  # one that is told to end ends its streams properly
    assert alices.follow(generation, answer).answer == COUNTED


def rest_of(events: Iterator[Event], answer: Answer) -> bool:
    """True if the connection broke."""
    try:
        for event in events:
            answer.fold(event)
    except httpx.HTTPError:
        return True
    return False


def forget_log(site: Site, generation: str) -> None:
    """As after an hour; the web process forgets what it knows of the answer too, by being another one."""
    with Redis.from_url(site.env["REDIS_URL"]) as redis:
        assert redis.delete(f"throughline:log:{generation}")
    site.web.kill()
    site.web = site.start_web()


def has_end(program: Program, generation: str, position: str) -> bool:
    headers = {"Last-Event-ID": position}
    return program.http.get(f"/generations/{generation}/events", headers=headers).status_code == 204
