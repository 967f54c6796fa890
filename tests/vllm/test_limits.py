"""Where an answer or a conversation is too long for the server, that is told, and nothing is lost."""

from tests.harness.page import Page

from .questions import endless
from .servers import CONTEXT, VllmServer, VllmSite
from .wire import body_for, deltas_of, text_of

CONTINUE = 'data-action="continue"'


async def test_an_answer_that_is_cut_by_the_limit_can_be_continued_until_the_context_is_full(
    site: VllmSite, first: VllmServer
) -> None:
    """The pieces add up to what one request says that may fill the context; to go on from there is refused."""
    async with Page(site, "alice") as page:
        await page.send(endless("tides"))
        cut = await page.finish()
        beginning = page.answer
        await page.click("answer.continue")
        full = await page.finish()
        whole = page.answer
        await page.click("answer.continue")
        refused = await page.finish()

    assert [cut["status"], full["status"], refused["status"]] == ["done", "done", "failed"]
    assert CONTINUE in cut["footer"] and CONTINUE in full["footer"]
    assert whole == await text_of(first, endless("tides"), max_tokens=CONTEXT)
    assert whole.startswith(beginning) and len(beginning) < len(whole)
    assert refused["errorCode"] == "context_too_long"
    assert page.answer == whole == page.stored()


async def test_the_server_names_the_limit(first: VllmServer) -> None:
    deltas = await deltas_of(first, body_for(endless("tides"), max_tokens=7))

    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["length"]
    assert [delta.usage.completion_tokens for delta in deltas if delta.usage] == [7]


async def test_a_question_that_is_too_long_for_the_context_is_kept_and_told(site: VllmSite, first: VllmServer) -> None:
    question = "Explain this: " + "word " * CONTEXT
    async with Page(site, "alice") as page:
        asked = await page.send(question)
        finished = await page.finish()
        shorter = await page.send("Explain bread briefly", edits=asked["messages"][0]["id"])
        answered = await page.finish()

    assert (finished["status"], finished["errorCode"]) == ("failed", "context_too_long")
    assert finished["error"].endswith(".")
    assert (shorter["parent"], answered["status"]) == (None, "done")
    with site.visitor("alice") as visitor:
        assert question.strip() in visitor.get("/settings/export/json/").text
