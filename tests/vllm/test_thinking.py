"""Thinking is a part of its own, whether the server tells it from the answer or we have to."""

from tests.harness.page import Page

from .questions import brief, thoughtful
from .servers import VllmServer, VllmSite
from .wire import body_for, deltas_of, text_of


async def test_tags_in_the_text_become_a_part(site: VllmSite, first: VllmServer) -> None:
    """The first server has no reasoning parser."""
    said = await text_of(first, thoughtful("clocks"))
    async with Page(site, "alice") as page:
        await page.send(thoughtful("clocks"))
        finished = await page.finish()

    assert finished["status"] == "done"
    assert said == f"<think>{page.text['0.thinking']}</think>{page.answer}"
    assert page.answer == page.stored()


async def test_a_reasoning_parser_says_the_same(site: VllmSite, first: VllmServer) -> None:
    """The second server has one. It takes the tags away, and nothing else."""
    said = await text_of(first, thoughtful("maps"))
    deltas = await deltas_of(site.second, body_for(thoughtful("maps")))

    thinking = "".join(delta.thinking for delta in deltas)
    assert thinking
    assert said == f"<think>{thinking}</think>{''.join(delta.text for delta in deltas)}"


async def test_the_rest_of_an_answer_is_no_thinking(site: VllmSite, first: VllmServer) -> None:
    """A reasoning parser takes everything before `</think>` for thinking, unless that is switched off."""
    whole = await text_of(first, brief("glaciers"))
    deltas = await deltas_of(site.second, body_for(brief("glaciers"), whole[:1]))

    assert not any(delta.thinking for delta in deltas)
    assert any(delta.text for delta in deltas)
