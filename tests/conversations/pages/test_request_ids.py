"""X-Request-Id: each answer has one, and the page of an error shows it."""

from __future__ import annotations

import json
import logging
from uuid import UUID

import pytest
from django.http import HttpRequest
from django.test import AsyncClient, Client, override_settings

from chatsite.logs import Json

LOGIN = "/accounts/login/"


def test_without_a_proxy_each_request_gets_a_new_one(client: Client, db: None) -> None:
    told = [client.get(LOGIN, headers={"X-Request-Id": "mine"}).headers["X-Request-Id"] for _ in range(2)]

    assert UUID(told[0]) != UUID(told[1])


@pytest.mark.parametrize(("given", "is_kept"), [("From_the.proxy-1", True), ("x" * 65, False), ("a b", False)])
def test_a_proxys_is_kept_if_it_is_well_formed(client: Client, db: None, given: str, is_kept: bool) -> None:
    with override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1):
        told = client.get(LOGIN, headers={"X-Request-Id": given, "X-Forwarded-For": "192.0.2.1"})

    assert (told.headers["X-Request-Id"] == given) is is_kept


async def test_asynchronous_answers_have_one_too(async_client: AsyncClient) -> None:
    assert UUID((await async_client.get("/healthz")).headers["X-Request-Id"])


def test_the_page_of_an_error_shows_it(client: Client, db: None) -> None:
    response = client.get("/nothing/")

    assert f"quote this ID: <code>{response.headers['X-Request-Id']}</code>" in response.content.decode()


def test_the_line_about_an_error_has_it_and_no_query_string(
    client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/nothing/?token=canary")
    told = [json.loads(Json("web").format(line)) for line in caplog.records if line.name == "django.request"]

    assert [(line["message"], line["request"]) for line in told] == [
        ("Not Found: /nothing/", response.headers["X-Request-Id"])
    ]


def test_the_key_of_a_link_is_not_in_the_logs() -> None:
    request = HttpRequest()
    request.path = "/accounts/password/reset/key/1-canary/"
    request.resolver_match = type("Match", (), {"kwargs": {"key": "canary"}, "route": "accounts/reset/<key>/"})()
    line = logging.LogRecord("django.request", 40, "", 1, "%s: %s", ("Server Error", request.path), None)
    line.request = request  # as Django's own

    assert json.loads(Json("web").format(line))["message"] == "Server Error: /accounts/reset/<key>/"
