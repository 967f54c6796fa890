"""An answer in stages: a draft at once, the deep answer beside it, the synthesis of both in their place."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.harness.page import Page
from tests.harness.site import Site

from .test_metrics import fallbacks

CHANGE = """
from conversations.models import Stage
Stage.objects.filter(name="{name}").update({field}={value!r})
"""
QUESTION = "Explain how a bridge carries its load"


def outcomes(site: Site, page: Page) -> dict[str, Any]:
    found: dict[str, Any] = site.record(page.generation)["outcomes"]
    return found


async def test_a_deep_answer_has_three_stages_and_the_last_one_is_the_answer(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send(QUESTION, mode="deep")
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.stages == {0: "done", 1: "done", 2: "done"}
    assert page.text == page.stored_parts()
    assert page.text["2.text"].startswith("This answer about")


async def test_a_quick_answer_has_one_stage_and_nothing_is_said_of_it(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send(QUESTION, mode="quick")
        await page.finish()

    assert page.stages == {}
    assert list(page.text) == ["0.text"]


async def test_the_deep_stage_is_written_while_the_draft_is(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 60", mode="deep")
        await page.finish()
    parts = [event["part"] for event in page.events if event["type"] == "text.delta"]

    assert parts.index("1.text") < len(parts) - 1 - parts[::-1].index("0.text")
    assert parts.index("2.text") > max(i for i, part in enumerate(parts) if part != "2.text")


async def test_a_page_that_comes_back_has_all_stages(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(100):
            await page.send("count to 300", mode="deep")
            await page.until_text(200, "1.text")
            await page.socket.close()
            await page.open()
            await page.watch()
        await page.finish()
        async with Page(site, "alice", page.conversation) as late:
            late.generation = page.generation
            await late.watch()
            await late.finish()

    assert page.text == late.text == page.stored_parts()
    assert late.stages == {0: "done", 1: "done", 2: "done"}


async def test_a_stop_ends_every_stage_and_keeps_the_best_text(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(120):
            await page.send("count to 2000", mode="deep")
            await page.until_text(300, "1.text")
            await page.stop()
            finished = await page.finish()

    assert finished["status"] == "stopped"
    assert site.running() == 0
    assert page.text == page.stored_parts()
    assert {number: outcome["status"] for number, outcome in outcomes(site, page).items()} == {
        "0": "stopped",
        "1": "stopped",
        "2": "skipped",
    }


async def test_all_that_a_stop_cut_short_is_continued_where_it_was(site: Site) -> None:
    async with Page(site, "alice") as page:
        with site.held(120):
            await page.send("count to 400", mode="deep")
            await page.until_text(300, "1.text")
            await page.stop()
            await page.finish()
        before = page.stored_parts()
        await page.click("answer.continue")
        finished = await page.finish()
    after = page.stored_parts()

    assert finished["status"] == "done"
    assert after["1.text"].startswith(before["1.text"])
    assert set(after) == {"0.text", "1.text", "2.text"}
    assert set(after.values()) == {"".join(f"{n} " for n in range(1, 401))}


@pytest.mark.parametrize("stage", ["0.text", "1.text", "2.text"])
async def test_an_answer_whose_worker_is_killed_in_any_stage_goes_on_there(site: Site, stage: str) -> None:
    async with Page(site, "alice") as page:
        with site.held(60, skip=2 if stage == "2.text" else 0):  # requests, of the stages before
            await page.send("count to 120", mode="deep")
            await page.until_text(100, stage)
            site.worker.kill()
            site.worker = site.start_worker()
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.text == page.stored_parts()
    assert set(page.text.values()) == {"".join(f"{n} " for n in range(1, 121))}
    assert [event for event in page.events if event["type"] == "part.restarted"] == []


@pytest.fixture
def changed_stage(site: Site) -> Iterator[Callable[..., None]]:
    """``changed_stage("deep", model="…")``; afterwards all stages are as they were."""
    before: list[tuple[str, str, Any]] = []

    def change(name: str, field: str, value: Any, otherwise: Any) -> None:
        before.append((name, field, otherwise))
        site.shell(CHANGE.format(name=name, field=field, value=value))

    yield change
    for name, field, value in before:
        site.shell(CHANGE.format(name=name, field=field, value=value))


async def test_a_stage_that_fails_is_left_out_with_a_notice(site: Site, changed_stage: Callable[..., None]) -> None:
    changed_stage("deep", "max_tokens", 999_999, None)  # more than the model server allows
    with site.visitor() as visitor:
        before = fallbacks(visitor.get("/metrics").text, "stage_left_out")
    async with Page(site, "alice") as page:
        await page.send(QUESTION, mode="deep")
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.stages == {0: "done", 1: "failed", 2: "done"}
    notices = [event["message"] for event in page.events if event["type"] == "answer.notice"]
    assert notices == ["Deep answer failed and was skipped."]
    site.until(lambda metrics: fallbacks(metrics, "stage_left_out") == before + 1, "/metrics", "alice")
    assert page.text == page.stored_parts()


async def test_a_stage_that_takes_too_long_is_left_out(site: Site, changed_stage: Callable[..., None]) -> None:
    changed_stage("deep", "timeout_s", 1, 900)
    async with Page(site, "alice") as page:
        await page.send("count to 500", mode="deep")
        await page.until_text(20, "2.text")
        await page.stop()
        await page.finish()

    assert page.stages[1] == "timeout"
    assert len(page.text["1.text"]) < len(page.text["0.text"])
    assert outcomes(site, page)["1"]["error_code"] == "stage_timeout"


async def test_an_answer_fails_only_if_no_stage_works(site: Site) -> None:
    site.break_model(status=500)
    try:
        async with Page(site, "alice") as page:
            await page.send(QUESTION, mode="balanced")
            finished = await page.finish()
    finally:
        site.break_model()

    assert (finished["status"], finished["errorCode"]) == ("failed", "server_error")


async def test_no_stage_is_charged_for_anothers_tokens(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 50", mode="deep")
        await page.finish()
    record = site.record(page.generation)

    assert [outcome["completion_tokens"] for outcome in record["outcomes"].values()] == [50, 50, 50]
    assert record["completion_tokens"] == 150
