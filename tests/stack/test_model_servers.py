"""Whatever a model server does: the question is kept, the failure has a sentence, and Retry works."""

import pytest

from tests.harness.page import Page
from tests.harness.site import Site

from .test_metrics import fallbacks

FAILURES = [
    ("status=401", "unauthorised"),
    ("status=404", "unknown_model"),
    ("status=400", "context_too_long"),
    ("status=429", "overloaded"),
    ("status=503", "overloaded"),
    ("status=500", "server_error"),
    ("error_after=0", "server_error"),
    ("error_after=5", "server_error"),
    ("drop_after=0", "no_server"),
    ("drop_after=7", "no_server"),
    ("hang_after=0", "timeout_first_token"),
    ("hang_after=3", "timeout_silence"),
]


@pytest.mark.parametrize(("fault", "code"), FAILURES)
async def test_a_failure_is_told_and_nothing_is_lost(site: Site, fault: str, code: str) -> None:
    async with Page(site, "alice") as page:
        await page.send(f"count to 90 [[demo {fault}]]")
        finished = await page.finish()

    assert (finished["status"], finished["errorCode"]) == ("failed", code)
    assert finished["error"].endswith(".")
    assert page.answer == page.stored()


async def test_a_server_that_tells_ends_is_not_believed_without(site: Site) -> None:
    async with Page(site, "alice") as page:
        await page.send("count to 9")
        assert (await page.finish())["status"] == "done"
        await page.send("count to 90 [[demo end_after=4]]")
        finished = await page.finish()

    assert (finished["status"], finished["errorCode"]) == ("failed", "no_server")
    assert page.answer == page.stored()


async def test_a_stream_that_cannot_be_read_is_asked_for_as_a_whole(site: Site) -> None:
    with site.visitor() as visitor:
        before = fallbacks(visitor.get("/metrics").text, "not_streamed")
    async with Page(site, "alice") as page:
        await page.send("count to 90 [[demo rubbish_after=30]]")
        finished = await page.finish()

    assert finished["status"] == "done"
    assert page.answer.split() == [str(n) for n in range(1, 91)]
    assert page.answer == page.stored()
    notices = [event["message"] for event in page.events if event["type"] == "answer.notice"]
    assert notices == ["The answer could not be streamed, so it arrived all at once."]
    site.until(lambda metrics: fallbacks(metrics, "not_streamed") == before + 1, "/metrics", "alice")


async def test_an_answer_that_leaves_no_room_to_go_on_is_kept(site: Site) -> None:
    """It fills the context: that is no reason to write it anew."""
    async with Page(site, "alice") as page:
        with site.held(30):
            await page.send("count to 500")
            await page.until_text(60)
            await page.stop()
            await page.finish()
        stopped = page.answer
        site.break_model(status=400)
        await page.click("answer.continue")
        finished = await page.finish()
        site.break_model()

    assert (finished["status"], finished["errorCode"]) == ("failed", "context_too_long")
    assert page.answer == stopped == page.stored()


async def test_retry_makes_a_failed_answer_again(site: Site) -> None:
    site.models[0].kill()
    async with Page(site, "alice") as page:
        await page.send("count to 9")
        failed = await page.finish()
        site.models[0] = site.start_model()
        await page.click("answer.retry")
        finished = await page.finish()

    assert (failed["status"], failed["errorCode"]) == ("failed", "no_server")
    assert finished["status"] == "done"
    assert page.answer == "1 2 3 4 5 6 7 8 9 " == page.stored()
