"""What is not allowed, not understood or not possible has a status, a code and a sentence."""

from uuid import uuid4

import httpx
import pytest

from tests.harness.page import Page
from tests.harness.site import Site

from .program import Program, csrf_token, revoke_token

QUESTION = {"text": "count to 1"}


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert error["message"].endswith(".")
    return str(error["code"])


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer tl_wrong", "Basic YWxpY2U6c2VjcmV0", "tl_wrong"])
def test_without_a_valid_token_nothing_is_told(site: Site, header: str | None) -> None:
    with site.visitor("alice") as visitor:  # her session is no token
        for path in ("conversations", f"conversations/{uuid4()}", f"generations/{uuid4()}/events"):
            response = visitor.get(f"/api/v1/{path}", headers={} if header is None else {"Authorization": header})

            assert (response.status_code, code_of(response)) == (401, "not_signed_in")
            assert response.headers["www-authenticate"].startswith("Bearer")


def test_what_is_another_users_is_not_found(alices: Program, bobs: Program) -> None:
    asked = alices.ask("count to 100").json()
    conversation, generation = asked["conversation"]["id"], asked["generation"]["id"]
    tries = [
        ("GET", f"/conversations/{conversation}"),
        ("DELETE", f"/conversations/{conversation}"),
        ("POST", f"/conversations/{conversation}/messages"),
        ("GET", f"/conversations?before={conversation}"),
        ("GET", f"/generations/{generation}"),
        ("GET", f"/generations/{generation}/events"),
        ("POST", f"/generations/{generation}/stop"),
    ]

    found = [bobs.http.request(method, path, json=QUESTION if method == "POST" else None) for method, path in tries]

    assert [(response.status_code, code_of(response)) for response in found] == [(404, "not_found")] * len(tries)
    assert alices.follow(generation).answer == "".join(f"{n} " for n in range(1, 101))
    listed = bobs.http.get("/conversations").json()["conversations"]
    assert conversation not in [row["id"] for row in listed]


@pytest.mark.parametrize(
    "path", ["nothing", "docs/", "conversations/", "conversations/1", f"generations/{uuid4()}/pause"]
)
def test_an_address_that_is_none_is_not_found(alices: Program, path: str) -> None:
    response = alices.http.get(f"/{path}")

    assert (response.status_code, code_of(response)) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": " \n "}, "empty"),
        ({"text": "x" * 32_001}, "too_long"),
        ({}, "bad_command"),
        ({"text": 7}, "bad_command"),
        ({"text": "a", "id": "no uuid"}, "bad_command"),
        ([], "bad_command"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(alices: Program, body: object, code: str) -> None:
    response = alices.http.post("/conversations", json=body)

    assert (response.status_code, code_of(response)) == (422, code)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 50_000])
def test_a_body_that_is_no_json_is_refused(alices: Program, body: bytes) -> None:
    response = alices.http.post("/conversations", content=body)

    assert (response.status_code, code_of(response)) == (400, "bad_command")


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_page_of_an_impossible_length_is_refused(alices: Program, limit: str) -> None:
    response = alices.http.get("/conversations", params={"limit": limit})

    assert (response.status_code, code_of(response)) == (422, "bad_command")


def test_a_question_that_nobody_sees_is_refused_as_an_empty_one(alices: Program) -> None:
    response = alices.ask("\u200b\ufeff")

    assert (response.status_code, code_of(response)) == (422, "empty")


def test_characters_that_no_database_takes_are_replaced(alices: Program) -> None:
    generation = alices.ask("[echo] a\0b").json()["generation"]["id"]

    assert alices.follow(generation).answer == "a\ufffdb"


def test_a_second_question_waits_for_the_first_answer(site: Site, alices: Program) -> None:
    with site.held(3):
        asked = alices.ask("count to 500").json()

        refused = alices.ask("and now?", asked["conversation"]["id"])
        alices.http.post(f"/generations/{asked['generation']['id']}/stop")

    assert (refused.status_code, code_of(refused)) == (409, "answer_pending")


def test_a_revoked_tokens_streams_end_and_it_is_refused(site: Site) -> None:
    with Program(site, "alice") as program:
        with site.held(3):
            generation = program.generation("count to 30")["id"]
            with program.stream(generation) as events:
                next(events)
                revoke_token(site, "alice", program.token_id)
                names = [event.name for event in events]
        refused = program.http.get(f"/generations/{generation}")

    assert "answer.finished" not in names
    assert (refused.status_code, code_of(refused)) == (401, "not_signed_in")


def test_nobody_revokes_another_users_token(site: Site, alices: Program) -> None:
    with site.visitor("bob") as visitor:
        form = {"csrfmiddlewaretoken": csrf_token(visitor)}
        response = visitor.post(f"/settings/tokens/{alices.token_id}/revoke/", data=form)

    assert response.status_code == 404
    assert alices.http.get("/conversations").status_code == 200


async def test_a_program_cannot_stop_the_chat_of_another_user(site: Site, bobs: Program) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 100")
        refused = bobs.http.post(f"/generations/{page.generation}/stop")
        finished = await page.finish()

    assert refused.status_code == 404
    assert finished["status"] == "done"


def test_refusals_have_an_id_to_quote(site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False, timeout=60) as stranger:
        told = [stranger.get("/api/v1/conversations").headers["X-Request-Id"] for _ in range(2)]

    assert len(set(told)) == 2
