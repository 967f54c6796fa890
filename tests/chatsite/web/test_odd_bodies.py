"""Whatever a program sends to the API is a question or a refusal, and never a fault of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient
from pytest_django import Settings

from conversations.models import ApiToken
from tests.streaming.conftest import close_connections

ADDRESS = "/api/v1/conversations"
BODIES = (
    *(b"", b"null", b"[]", b"{", b"\xff", b"\0", b'"x"', b"1e999", b"9" * 100_000),
    *(b"[" * 100_000, b'{"text":' * 100_000, b'{"text":' + b"9" * 100_000 + b"}", b'{"text": NaN}'),
    *(b'{"text": "\\ud800"}', b'{"text": "x", "id": 7}', b'{"text": "x", "tier": "' + b"x" * 500_000 + b'"}'),
    *(b'{"text": "x", "stream": 99999999999999999999}', b'{"text": "' + b"x" * 1_000_000 + b'"}'),
    *(b'{"text": "x", "mode": {"a": []}}', b'{"' + b"x" * 100_000 + b'": 1}'),
)


@pytest.fixture(autouse=True)
async def threads(transactional_db: None) -> AsyncIterator[None]:
    """Those that work for coroutines have connections of their own, which must end: PostgreSQL drops no database that
    is in use."""
    yield
    await sync_to_async(connections.close_all)()
    close_connections()


@pytest.fixture
def program(alice: User) -> AsyncClient:
    _, secret = ApiToken.make(alice, "a program")
    client = AsyncClient(raise_request_exception=False)
    client.defaults["Authorization"] = f"Bearer {secret}"
    return client


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
async def test_no_body_breaks_the_api(program: AsyncClient, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    response: Any = await program.post(ADDRESS, body, content_type="application/json")

    assert response.status_code in (400, 422)
    assert len(response.json()["error"]["message"]) < 1000
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("name", ["limit", "before"])
@pytest.mark.parametrize("value", ["9" * 5000, "-1", "nan", "\0", "😀" * 100])
async def test_no_query_breaks_the_api(program: AsyncClient, name: str, value: str) -> None:
    response: Any = await program.get(ADDRESS, {name: value})

    assert (response.status_code, response.json()["error"]["code"]) == (422, "bad_command")


async def test_a_query_of_thousands_of_fields_is_refused(program: AsyncClient) -> None:
    response: Any = await program.get(f"{ADDRESS}?{'a=1&' * 2000}")

    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_command")


async def test_a_token_of_another_scheme_is_not_logged(
    program: AsyncClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = True

    response: Any = await program.get(ADDRESS, headers={"Authorization": "Basic tl_secret"})

    assert (response.status_code, response.json()["error"]["code"]) == (401, "not_signed_in")
    assert "tl_secret" not in caplog.text


async def test_no_method_makes_a_page_of_an_address_that_is_none() -> None:
    client = AsyncClient(enforce_csrf_checks=True)
    for method in ("post", "put", "delete"):
        response: Any = await getattr(client, method)("/api/v1/nothing")

        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


async def test_no_position_breaks_the_api(program: AsyncClient) -> None:
    for position in ("9" * 5000, "-", "1-" + "9" * 39, "\xff", "²-²"):
        address = "/api/v1/generations/00000000-0000-0000-0000-000000000000/events"
        response: Any = await program.get(address, headers={"Last-Event-ID": position})

        assert response.status_code in (404, 422)
