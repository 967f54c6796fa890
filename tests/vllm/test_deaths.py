"""Workers and model servers die in the middle of an answer; the thread does not break.

The rule: what a page has seen ends with a whole chunk of the server's, a chunk ends with a whole token, and the text
goes back as it came. So at temperature 0 the answer is, to the character, what an uninterrupted request says.
"""

from tests.harness.page import Page

from .questions import thoughtful, usual
from .servers import VllmServer, VllmSite
from .wire import text_of


def told(page: Page, type: str) -> list[dict[str, object]]:
    return [event for event in page.events if event["type"] == type]


async def test_a_killed_workers_answer_is_taken_over_token_for_token(site: VllmSite, first: VllmServer) -> None:
    whole = await text_of(first, usual("glaciers"))
    async with Page(site, "alice") as page:
        await page.send(usual("glaciers"))
        await page.until_text(200)
        site.worker.kill()
        site.worker = site.start_worker()
        finished = await page.finish()

    assert "resuming" in [event["phase"] for event in told(page, "answer.phase")]
    assert (finished["status"], told(page, "part.restarted")) == ("done", [])
    assert page.answer == whole == page.stored()


async def test_a_killed_servers_answer_goes_on_at_the_second_token_for_token(
    site: VllmSite, mortal_first: VllmServer
) -> None:
    """Both have the same model. The second has a reasoning parser, which does not take the rest for thinking."""
    whole = await text_of(mortal_first, usual("lighthouses"))
    async with Page(site, "alice") as page:
        await page.send(usual("lighthouses"))
        await page.until_text(200)
        mortal_first.kill()
        finished = await page.finish()

    assert len(told(page, "answer.notice")) == 1
    assert (finished["status"], told(page, "part.restarted")) == ("done", [])
    assert page.answer == whole == page.stored()


async def test_a_server_that_is_killed_while_it_thinks_costs_the_thinking(
    site: VllmSite, mortal_first: VllmServer
) -> None:
    """Nothing continues inside thinking: that part is begun anew, which pages are told, and is then as it was."""
    whole = await text_of(mortal_first, thoughtful("tides"))
    async with Page(site, "alice") as page:
        await page.send(thoughtful("tides"))
        await page.until_text(60, "0.thinking")
        mortal_first.kill()
        finished = await page.finish()

    assert [event["part"] for event in told(page, "part.restarted")] == ["0.thinking"]
    assert finished["status"] == "done"
    assert whole == f"<think>{page.text['0.thinking']}</think>{page.answer}"
    assert page.answer == page.stored()
