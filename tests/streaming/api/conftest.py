"""Programs of Alice and Bob, each with a token of its own: the limit of requests is one of the token."""

from collections.abc import Iterator

import pytest

from tests.harness.site import Site

from .program import Program


@pytest.fixture
def alices(site: Site) -> Iterator[Program]:
    with Program(site, "alice") as program:
        yield program


@pytest.fixture
def bobs(site: Site) -> Iterator[Program]:
    with Program(site, "bob") as program:
        yield program
