"""What one user may ask of the API, whatever the token and the process: refused with 429 and when to come back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient

from conversations.models import ApiToken, Conversation, Generation
from conversations.models.chat.asking import Request
from streaming.coordination.redis_clients import sync_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def uncounted() -> Iterator[None]:
    store = sync_client()
    for pattern in ("throughline:requests:*", "throughline:queue:*", "throughline:celery:generations"):
        for key in store.scan_iter(pattern):
            store.delete(key)
    yield


@pytest.fixture
def tokens(alice: User) -> list[dict[str, str]]:
    """Headers of two of Alice's tokens."""
    return [{"Authorization": f"Bearer {ApiToken.make(alice, name)[1]}"} for name in ("one", "two")]


async def test_requests_of_all_tokens_count_together(
    async_client: AsyncClient, tokens: list[dict[str, str]], settings: Any
) -> None:
    settings.REQUESTS_PER_MINUTE = 4
    answers = [await async_client.get("/api/v1/conversations", headers=tokens[n % 2]) for n in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "too_many"
    assert "4 per minute" in answers[-1].json()["error"]["message"]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 15


async def test_a_question_too_many_is_refused_and_not_stored(
    async_client: AsyncClient, alice: User, tokens: list[dict[str, str]], settings: Any
) -> None:
    settings.RUNNING_ANSWERS_PER_USER, settings.WAITING_ANSWERS_PER_USER = 1, 1
    for _ in range(2):
        await sync_to_async(Conversation.begin)(alice, "Why?", Request(uuid4()))

    refused = await async_client.post(
        "/api/v1/conversations", {"text": "And why?"}, content_type="application/json", headers=tokens[0]
    )

    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_waiting")
    assert refused.headers["Retry-After"] == "10"
    assert await Generation.objects.acount() == 2
