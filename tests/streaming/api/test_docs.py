"""The API describes itself: to people on a page of the site's own, to tools as OpenAPI, and in docs/api.md."""

import re

import httpx
import pytest

from tests.harness.processes import ROOT
from tests.harness.site import Site

from .program import Json


@pytest.fixture
def schema(site: Site) -> Json:
    with site.visitor() as visitor:
        found: Json = visitor.get("/api/v1/openapi.json").json()
        return found


def operations(schema: Json) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in schema["paths"].items() for method in methods}


def test_every_operation_wants_a_token_and_tells_its_refusals(schema: Json) -> None:
    for methods in schema["paths"].values():
        for told in methods.values():
            assert told["security"] == [{"TokenBearer": []}]
            assert {"401", "404", "422", "429"} <= set(told["responses"])


def test_what_is_referred_to_is_described(schema: Json) -> None:
    wanted = set(re.findall(r"#/components/schemas/(\w+)", str(schema)))

    assert wanted <= set(schema["components"]["schemas"])


def test_the_document_has_every_operation(schema: Json) -> None:
    document = (ROOT / "docs/api.md").read_text()
    told = {
        (method, "/api/v1" + re.sub(r"<id>", "{}", path))
        for method, path in re.findall(r"\| `([A-Z]+)` \| `([^`?]+)", document)
    }

    assert told == {(method, re.sub(r"{\w+}", "{}", path)) for method, path in operations(schema)}


def test_the_page_has_every_operation_and_asks_no_other_host(site: Site, schema: Json) -> None:
    with site.visitor() as visitor:
        page = visitor.get("/api/v1/", follow_redirects=True)

    assert all(path in page.text for _, path in operations(schema))
    hosts = {httpx.URL(url).host for url in re.findall(r'(?:src|href)="([^"]+)"', page.text)}
    assert hosts == {""}
