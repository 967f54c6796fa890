"""Asking, listing, reading, stopping and deleting by HTTP; what a program does is there on the pages."""

import threading
from uuid import uuid4

from tests.harness.page import Page
from tests.harness.site import Site

from .program import Program


def test_what_a_program_asks_is_on_the_page(site: Site, alices: Program) -> None:
    asked = alices.ask("count to 7").json()
    alices.follow(asked["generation"]["id"])

    with site.visitor("alice") as visitor:
        page = visitor.get(asked["conversation"]["url"]).text
        sidebar = visitor.get("/sidebar/").text

    assert f'data-message-id="{asked["question"]["id"]}"' in page
    assert "1 2 3 4 5 6 7" in page
    assert asked["conversation"]["id"] in sidebar


async def test_an_open_page_shows_what_a_program_asks(site: Site, alices: Program) -> None:
    first = alices.ask("count to 2").json()
    alices.follow(first["generation"]["id"])
    async with Page(site, "alice", first["conversation"]["id"]) as page:
        second = alices.ask("count to 9", first["conversation"]["id"]).json()
        await page.path()
        await page.finish()

    assert page.generation == second["generation"]["id"]
    assert page.answer == "1 2 3 4 5 6 7 8 9 "


def test_the_model_is_told_what_was_said_before(alices: Program) -> None:
    first = alices.ask("count to 2").json()
    alices.follow(first["generation"]["id"])

    second = alices.ask("count to 3", first["conversation"]["id"]).json()
    alices.follow(second["generation"]["id"])

    whole = alices.http.get(f"/conversations/{first['conversation']['id']}").json()
    assert [message["role"] for message in whole["messages"]] == ["user", "assistant"] * 2
    assert [message["text"] for message in whole["messages"]] == ["count to 2", "1 2 ", "count to 3", "1 2 3 "]
    assert [message["state"] for message in whole["messages"]] == ["done"] * 4
    assert whole["messages"][2]["parent"] == first["generation"]["message"]


def test_an_edited_question_stands_beside_the_first(alices: Program) -> None:
    first = alices.ask("count to 2").json()
    alices.follow(first["generation"]["id"])

    second = alices.ask("count to 4", first["conversation"]["id"], edits=first["question"]["id"]).json()
    alices.follow(second["generation"]["id"])

    whole = alices.http.get(f"/conversations/{first['conversation']['id']}").json()
    assert [message["text"] for message in whole["messages"]] == ["count to 4", "1 2 3 4 "]


def test_a_question_sent_again_with_its_id_is_answered_once(alices: Program) -> None:
    id = uuid4()
    first = alices.ask("count to 3", id=id).json()
    alices.follow(first["generation"]["id"])

    again = alices.ask("count to 3", id=id).json()

    assert again["generation"]["id"] == first["generation"]["id"]
    assert again["conversation"]["id"] == first["conversation"]["id"]
    assert len(alices.http.get(f"/conversations/{first['conversation']['id']}").json()["messages"]) == 2


def test_a_question_sent_many_times_at_once_is_answered_once(alices: Program) -> None:
    id, found = uuid4(), set()

    def send() -> None:
        found.add(alices.ask("count to 3", id=id).json()["generation"]["id"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 1


def test_a_stream_asked_for_again_is_the_same_answer(alices: Program) -> None:
    id = uuid4()
    bodies = [alices.ask("count to 5", id=id, stream=True).text for _ in range(2)]

    assert bodies[0].count("event: answer.finished") == bodies[1].count("event: answer.finished") == 1
    assert bodies[0].splitlines()[-2] == bodies[1].splitlines()[-2]  # the data of the end


def test_a_running_answer_is_stopped_and_keeps_what_was_shown(site: Site, alices: Program) -> None:
    with site.held(30):
        generation = alices.generation("count to 500")["id"]
        answer = alices.follow_until(generation, 60)

        assert alices.http.post(f"/generations/{generation}/stop").status_code == 200
        answer = alices.follow(generation, answer)

    stored = alices.stored(generation)
    assert answer.end and answer.end["status"] == "stopped" == stored["status"]
    assert answer.answer == stored["text"]
    assert len(answer.answer) >= 60


def test_stopping_what_has_ended_changes_nothing(alices: Program) -> None:
    generation = alices.generation("count to 3")["id"]
    alices.follow(generation)

    stopped = alices.http.post(f"/generations/{generation}/stop").json()

    assert stopped["status"] == "done"


def test_a_queued_answer_is_stopped_without_any_worker(site: Site, alices: Program) -> None:
    site.worker.kill()
    generation = alices.generation("count to 5")["id"]
    with alices.stream(generation) as events:
        stopped = alices.http.post(f"/generations/{generation}/stop").json()
        names = [event.name for event in events]
    site.worker = site.start_worker()

    assert stopped["status"] == "stopped"
    assert names[-1] == "answer.finished"


def test_a_deleted_conversation_is_gone_and_its_answer_stops(site: Site, alices: Program) -> None:
    asked = alices.ask("count to 500").json()
    conversation, generation = asked["conversation"]["id"], asked["generation"]["id"]
    with alices.stream(generation) as events:
        next(events)
        assert alices.http.delete(f"/conversations/{conversation}").status_code == 204
        ends = [event.data["status"] for event in events if event.name == "answer.finished"]

    assert ends == ["stopped"]
    assert alices.http.get(f"/conversations/{conversation}").status_code == 404
    assert alices.http.get(f"/generations/{generation}").status_code == 404
    with site.visitor("alice") as visitor:
        assert visitor.get(f"/c/{conversation}/").status_code == 404


def test_the_pages_of_the_list_neither_repeat_nor_skip(site: Site) -> None:
    with Program(site, "otto") as ottos:
        made = [ottos.ask("count to 1").json()["conversation"]["id"] for _ in range(7)]
        pages = [ottos.http.get("/conversations", params={"limit": 3}).json()]
        ottos.http.delete(f"/conversations/{pages[0]['next']}")  # the next page begins where this one was
        while before := pages[-1]["next"]:
            pages.append(ottos.http.get("/conversations", params={"limit": 3, "before": before}).json())

    listed = [[row["id"] for row in page["conversations"]] for page in pages]
    assert [len(page) for page in listed] == [3, 3, 1]
    assert [id for page in listed for id in page] == made[::-1]
