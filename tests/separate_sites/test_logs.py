"""The logs of all processes, at DEBUG, as production writes them: one id to follow, and nothing private."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from tests.harness.page import Page
from tests.harness.site import PASSWORD, Site
from tests.streaming.api.program import Program

from .conftest import KEY, METRICS_TOKEN
from .echo import EchoServer

QUESTION = "count to 30 for canary-of-a-question"


def output(site: Site) -> str:
    return "\n".join(process.output() for process in (site.web, site.worker, site.beat))


def lines(site: Site) -> list[dict[str, Any]]:
    """Each is one JSON object; Celery prints an empty one at its start."""
    return [json.loads(line) for line in output(site).splitlines() if line]


async def test_one_id_follows_a_message_from_click_to_model_server(telling_site: Site, echo: EchoServer) -> None:
    click = uuid4()
    async with Page(telling_site, "alice") as page:
        await page.send(QUESTION, click)
        await page.finish()
    about = [line for line in lines(telling_site) if line.get("generation") == page.generation]
    of_click = {line["process"] for line in about if line.get("request") == str(click)}

    assert of_click == {"web", "worker"}
    assert {line["attempt"] for line in about if "attempt" in line} == {"1"}
    assert any("400 refused" in line["message"] for line in about)
    assert any(headers.get("X-Request-Id", "").startswith(page.generation) for headers in echo.heard)


async def test_nothing_private_is_in_any_log(telling_site: Site, echo: EchoServer) -> None:
    async with Page(telling_site, "alice") as page:
        await page.send(QUESTION)
        await page.finish()
        telling_site.models[0].kill()
        await page.send(QUESTION)
        failed = await page.finish()
        telling_site.models[0] = telling_site.start_model()
        await page.tell("canary-of-a-command")
    program = Program(telling_site, "alice")
    with telling_site.visitor() as visitor:
        visitor.get("/nothing/?token=canary-of-a-query")
        visitor.get("/accounts/password/reset/key/1-canary-of-a-link/")
        visitor.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).raise_for_status()
    with program.http as http:
        assert http.post("/conversations", json={"text": {"canary": "of a field"}}).status_code == 422

    record = telling_site.record(page.generation)
    detail = record["error_detail"]
    assert failed["status"] == "failed" and "canary-of-a-question" in detail and KEY not in detail
    assert record["error_in_short"] == "400 refused"
    told = output(telling_site)
    assert "400 refused" in told
    secrets = ("canary", "1 2 3 4", "only-for-tests", PASSWORD, program.secret, telling_site.cookie("alice"))
    assert [secret for secret in secrets if secret in told] == []
