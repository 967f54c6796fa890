"""An operator drains a model server under running answers: nobody notices."""

from __future__ import annotations

from tests.harness.page import Page
from tests.harness.site import Site

from .test_failover import NUMBERS, begun, notices

PAGE = "/ops/servers/"


def change(site: Site, number: int, button: str) -> None:
    """Otto clicks, and waits until the workers have heard of it."""
    with site.visitor("otto") as otto:
        otto.get(PAGE)
        form = {button: name_of(site, number), "csrfmiddlewaretoken": otto.cookies["csrftoken"]}
        assert otto.post(f"{PAGE}drain/", data=form).status_code == 302
    site.until(lambda page: "not know yet" not in page and "breaker of worker" in page, PAGE, "otto")


def name_of(site: Site, number: int) -> str:
    return f"127.0.0.1:{site.model_ports[number]}"


async def answer(page: Page) -> str:
    await page.send("count to 200")
    await page.finish()
    return page.answer


async def test_what_runs_on_a_drained_server_ends_well_and_nothing_new_begins_there(twins: Site) -> None:
    async with Page(twins, "alice") as running, Page(twins, "alice") as page:
        twins.hold(30)
        number = await begun(twins, running)
        twins.break_model(1 - number)

        change(twins, number, "drain")
        served = twins.streamed(number)
        answers = [await answer(page) for _ in range(3)]
        twins.break_model(number)
        ended = await running.finish()

    change(twins, number, "undrain")
    assert ended["status"] == "done" and running.answer == running.stored() == NUMBERS and notices(running) == []
    assert answers == [NUMBERS] * 3 and twins.streamed(number) == served


async def test_a_drain_outlives_the_worker(twins: Site) -> None:
    change(twins, 0, "drain")
    twins.worker.kill()
    twins.worker = twins.start_worker()
    served = twins.streamed(0)

    async with Page(twins, "alice") as page:
        answers = [await answer(page) for _ in range(2)]

    change(twins, 0, "undrain")
    assert answers == [NUMBERS] * 2 and twins.streamed(0) == served


async def test_with_all_drained_the_answer_fails_and_can_be_retried(twins: Site) -> None:
    for each in (0, 1):
        change(twins, each, "drain")
    async with Page(twins, "alice") as page:
        await page.send("count to 200")
        failed = await page.finish()
        change(twins, 0, "undrain")
        await page.click("answer.retry")
        ended = await page.finish()

    change(twins, 1, "undrain")
    assert (failed["status"], failed["errorCode"]) == ("failed", "no_server")
    assert (ended["status"], page.answer) == ("done", NUMBERS)
