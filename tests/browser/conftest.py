"""People with browsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.harness.site import Site

from .person import Person

Open = Callable[..., Person]


@pytest.fixture
def person(browser: Browser, site: Site) -> Iterator[Open]:
    """A signed-in person with a browser of their own; at the end nothing must have gone wrong in it."""
    people: list[Person] = []

    def open_browser(name: str = "alice", **options: Any) -> Person:
        opened = Person(site, browser, name, **options)
        people.append(opened)
        return opened

    yield open_browser
    for one in people:
        one.leave()
    assert [complaint for one in people for complaint in one.complaints] == []
