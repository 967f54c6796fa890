"""Errors have pages of ours that need no database and no user."""

import pytest
from django.template.loader import render_to_string
from django.test import Client


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "429", "500"])
def test_each_says_in_words_what_happened_and_leads_back(code: str) -> None:
    html = render_to_string(f"{code}.html")

    assert "Back to the chat" in html
    assert html.count("<h1>") == 1


def test_an_address_that_does_not_exist_gets_ours(client: Client, db: None) -> None:
    response = client.get("/nothing/")

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


def test_a_form_without_the_pages_token_gets_ours(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/")

    assert response.status_code == 403
    assert "Please try again" in response.content.decode()
