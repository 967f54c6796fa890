"""What a user does every day, with a real model server."""

from tests.harness.page import Page

from .questions import brief, endless, usual
from .servers import MAX_TOKENS, VllmServer, VllmSite
from .wire import text_of


async def test_an_answer_streams_as_the_server_says_it(site: VllmSite, first: VllmServer) -> None:
    async with Page(site, "alice") as page:
        await page.send(usual("clocks"))
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == await text_of(first, usual("clocks")) == page.stored()
    assert len([event for event in page.events if event["type"] == "text.delta"]) > 20


async def test_the_conversation_gets_a_title(site: VllmSite) -> None:
    async with Page(site, "alice") as page:
        await page.send(brief("bread"))
        await page.finish()
        titled = await page.until("conversation.titled")

    assert titled["title"]


async def test_stop_ends_the_request_at_the_server(site: VllmSite, first: VllmServer) -> None:
    """vLLM counts a client that hangs up as no outcome: its tokens end before the limit, and nothing runs any more."""
    before = first.figure("generation_tokens_total")
    async with Page(site, "alice") as page:
        await page.send(endless("bread"))
        await page.until_text(60)
        running = first.figure("num_requests_running")
        await page.stop()
        finished = await page.finish()
    first.wait_until_idle()

    assert (running, finished["status"]) == (1, "stopped")
    assert first.figure("generation_tokens_total") - before < MAX_TOKENS
    assert page.answer == page.stored()


async def test_a_stopped_answer_goes_on_where_it_was(site: VllmSite, first: VllmServer) -> None:
    """At temperature 0, as if it had never been stopped: what is stored ends with a chunk, and so with a token."""
    async with Page(site, "alice") as page:
        await page.send(usual("maps"))
        await page.until_text(150)
        await page.stop()
        await page.finish()
        stopped = page.answer
        await page.click("answer.continue")
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer == await text_of(first, usual("maps")) == page.stored()
    assert 0 < len(stopped) < len(page.answer)
