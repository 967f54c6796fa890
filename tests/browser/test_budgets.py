"""What people see of budgets: a refused question stays theirs, use and limit, and the operators' costs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.harness.site import Site
from tests.stack.test_budgets import FREE, LIMIT, PRICED

from .conftest import Open


@pytest.fixture
def priced(site: Site) -> Iterator[Site]:
    site.shell(PRICED.format(port=site.model_ports[0]))
    yield site
    site.shell(FREE)


def test_a_refused_question_stays_in_the_composer(person: Open, priced: Site) -> None:
    priced.shell(LIMIT.format(amount="0.0001"))
    alice = person("alice")
    alice.visit()

    alice.send_message("What does that cost?")

    expect(alice.page.get_by_text("The site's budget for today is too low")).to_be_visible()
    expect(alice.composer).to_have_value("What does that cost?")
    expect(alice.answers).to_have_count(0)


def test_what_answers_cost_is_told_to_users_and_operators(person: Open, priced: Site) -> None:
    priced.shell(LIMIT.format(amount="3"))
    alice, otto = person("alice"), person("otto")
    alice.visit()
    alice.ask("count to 30")

    alice.page.goto(f"{priced.url}/settings/")
    expect(alice.page.get_by_text(re.compile(r"Used today: 0\.0000\d+ EUR"))).to_be_visible()
    otto.page.goto(f"{priced.url}/ops/")
    otto.page.get_by_role("link", name="Cost").click()
    expect(otto.page.get_by_role("heading", name="Cost", exact=True)).to_be_visible()
    expect(otto.page.get_by_role("row", name="alice")).to_contain_text(re.compile(r"0\.0000\d+ EUR"))
