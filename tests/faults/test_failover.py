"""A model server fails in the middle of an answer: another one goes on with the same text."""

from __future__ import annotations

import signal

import pytest

from tests.harness.page import Page
from tests.harness.site import Site

NUMBERS = "".join(f"{n} " for n in range(1, 201))


async def begun(site: Site, page: Page, question: str = "count to 200", text: int = 60) -> int:
    """Ask, wait for some text, and tell which model server it comes from."""
    await page.send(question)
    await page.until_text(text)
    return server_of(site, page)


def server_of(site: Site, page: Page) -> int:
    """The number of the model server that has a request."""
    running = [site.running(number) for number in range(len(site.models))]
    assert sum(running) == 1, running
    return running.index(1)


def notices(page: Page) -> list[str]:
    return [event["message"] for event in page.events if event["type"] == "answer.notice"]


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hanging"])
async def test_another_server_goes_on_with_the_same_text(twins: Site, fault: signal.Signals) -> None:
    async with Page(twins, "alice") as page:
        twins.hold(30)
        number = await begun(twins, page)

        twins.models[number].send(fault)
        twins.break_model(1 - number)
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == NUMBERS
    assert len(notices(page)) == 1


@pytest.mark.parametrize("fault", ["rubbish_after", "error_after", "drop_after", "end_after"])
async def test_what_a_server_says_wrongly_is_no_part_of_the_answer(twins: Site, fault: str) -> None:
    twins.break_model(0, **{fault: 40}, times=1)
    async with Page(twins, "alice") as first, Page(twins, "alice") as second:
        await first.send("count to 200")
        await second.send("count to 200")
        ended = [await first.finish(), await second.finish()]

    assert [event["status"] for event in ended] == ["done", "done"]
    assert first.answer == first.stored() == second.answer == second.stored() == NUMBERS
    assert len(notices(first)) + len(notices(second)) == 1


async def test_before_the_first_token_another_server_is_asked(twins: Site) -> None:
    twins.break_model(0, status=503)
    twins.break_model(1, status=503, times=1)
    async with Page(twins, "alice") as page:
        await page.send("count to 20")
        failed = await page.finish()
        await page.click("answer.retry")
        ended = await page.finish()

    assert (failed["status"], failed["errorCode"]) == ("failed", "overloaded")
    assert (ended["status"], page.answer.split()[-1]) == ("done", "20")


async def test_a_thought_is_thought_again_by_the_other_server(twins: Site) -> None:
    async with Page(twins, "alice") as page:
        with twins.held(16):
            await page.send("[think] count to 100")
            await page.until_text(40, "0.thinking")

            twins.models[server_of(twins, page)].kill()
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored()
    assert "part.restarted" in {event["type"] for event in page.events}


async def test_a_server_that_does_not_stream_is_asked_for_the_whole_answer(twins: Site) -> None:
    for number in (0, 1):
        twins.break_model(number, no_stream=True)
    async with Page(twins, "alice") as page:
        await page.send("count to 30")
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer.split() == [str(n) for n in range(1, 31)]


async def test_a_server_that_comes_back_soon_goes_on_itself(twins: Site) -> None:
    twins.models[1].kill()
    async with Page(twins, "alice") as page:
        twins.hold(30)
        await page.send("count to 200")
        await page.until_text(60)

        twins.models[0].kill()
        twins.models[0] = twins.start_model(0)
        ended = await page.finish()

    assert ended["status"] == "done"
    assert page.answer == page.stored() == NUMBERS


async def test_without_any_server_the_answer_fails_and_can_be_retried(twins: Site) -> None:
    for model in twins.models:
        model.kill()
    async with Page(twins, "alice") as page:
        await page.send("count to 12")
        failed = await page.finish()
        twins.models[1] = twins.start_model(1)
        await page.click("answer.retry")
        ended = await page.finish()

    assert (failed["status"], failed["errorCode"]) == ("failed", "no_server")
    assert (ended["status"], page.answer.split()[-1]) == ("done", "12")


async def test_a_server_that_failed_is_left_alone_until_it_is_well(twins: Site) -> None:
    twins.models[0].kill()
    async with Page(twins, "alice") as page:
        await page.send("count to 5")
        await page.finish()
        await page.send("count to 5")
        await page.finish()
    twins.until(lambda page: "left alone by 1 of 1 workers" in page, "/ops/", "otto")
    assert notices(page) == []  # before the first token nothing is told

    twins.models[0] = twins.start_model(0)
    twins.until(lambda page: "left alone" not in page or "try it again" in page, "/ops/", "otto")
    async with Page(twins, "alice") as page:
        for _ in range(2):
            await page.send("count to 5")
            await page.finish()
    twins.until(lambda page: "left alone" not in page, "/ops/", "otto")
