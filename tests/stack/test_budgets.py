"""Budgets with all processes running: what a page is told, and what is counted when workers die."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.page import Page
from tests.harness.site import Site

from .test_metrics import fallbacks

PRICED = """
from conversations.models import *
DailyUse.objects.all().delete()
LedgerEntry.objects.all().delete()
server = ModelServer.objects.create(name="priced", url="http://127.0.0.1:{port}/v1")
for order, (slug, price) in enumerate([("cheap", 1), ("dear", 1000)]):
    Tier.objects.create(name=slug.capitalize(), slug=slug, order=order, server=server, price_out=price, max_tokens=2000)
"""
FREE = """
from conversations.models import *
for kind in (Budget, DailyUse, LedgerEntry, Tier, ModelServer):
    kind.objects.all().delete()
"""
COUNTED = """
import json, time
from django.db.models import Sum
until = time.monotonic() + 20
while Conversation.objects.latest("used_at").title == "New chat" and time.monotonic() < until:
    time.sleep(0.1)  # titles are settled before they are shown
entries = LedgerEntry.objects.filter(purpose="answer").order_by("created_at", "stage")
titles = LedgerEntry.objects.filter(purpose="title").aggregate(sum=Sum("cost"))["sum"] or 0
print(json.dumps(dict(
    states=list(entries.values_list("state", flat=True)),
    tiers=list(entries.values_list("tier", flat=True)),
    tokens=list(entries.values_list("tokens_out", flat=True)),
    cost=round(float(entries.aggregate(sum=Sum("cost"))["sum"] or 0) * 10**9),
    title=Conversation.objects.latest("used_at").title,
    titles=round(float(titles) * 10**9),
    used=DailyUse.objects.get(scope="site").used - round(float(titles) * 10**9),
)))
"""
LIMIT = """
from conversations.models import *
Budget.objects.create(whole_site=True, daily_limit="{amount}")
"""


@pytest.fixture
def priced(site: Site) -> Iterator[Site]:
    site.shell(PRICED.format(port=site.model_ports[0]))
    yield site
    site.shell(FREE)


def counted(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.shell(COUNTED))
    return found


async def test_each_stage_is_settled_with_the_tokens_that_came(priced: Site) -> None:
    async with Page(priced, "alice") as page:
        await page.send("count to 50", mode="deep")
        await page.finish()

    found = counted(priced)
    assert (found["states"], found["tokens"]) == (["settled"] * 3, [50] * 3)
    assert found["cost"] == found["used"] > 0


async def test_a_title_is_paid_by_who_asked(priced: Site) -> None:
    async with Page(priced, "alice") as page:
        await page.send("count to 5", mode="quick")
        await page.finish()

    assert 0 < counted(priced)["titles"] < 24 * 1000


async def test_a_title_that_nothing_pays_for_is_the_questions_first_words(priced: Site) -> None:
    priced.shell(LIMIT.format(amount="0.002005"))  # of which the answer takes all but a hundredth
    question = "[[demo rate=0]] count to 1990"
    async with Page(priced, "alice") as page:
        await page.send(question, mode="quick")
        await page.finish()

    found = counted(priced)
    assert (found["titles"], found["title"]) == (0, question)


def test_what_answers_take_and_cost_is_measured_on_a_running_site(priced: Site) -> None:
    options = ["--question", "count to 50", "--times", "2", "--mode", "deep", "--user", "alice"]
    told = priced.manage("measure_answers", *options)

    assert "2 of 2 answers complete" in told
    assert re.search(r"tokens in, out: +[\d,]+, 300\n", told)  # of two answers in three stages


async def test_a_killed_workers_answer_is_counted_once_and_whole(priced: Site) -> None:
    async with Page(priced, "alice") as page:
        with priced.held(60):
            await page.send("count to 200", mode="quick")
            await page.until_text(100)
            priced.worker.kill()
            priced.worker = priced.start_worker()
        await page.finish()

    found = counted(priced)
    assert (found["states"], found["tokens"]) == (["settled"], [200])
    assert found["cost"] == found["used"] == 200 * 1000


async def test_a_stopped_answer_gives_back_what_it_did_not_use(priced: Site) -> None:
    async with Page(priced, "alice") as page:
        with priced.held(60):
            await page.send("count to 1500", mode="quick")
            await page.until_text(100)
            await page.stop()
            await page.finish()

    found = counted(priced)
    assert found["states"] == ["settled"]
    assert 0 < found["cost"] == found["used"] < 1000 * 1000


async def test_a_page_is_told_that_a_cheaper_tier_answers(priced: Site) -> None:
    priced.shell(LIMIT.format(amount="0.01"))
    async with Page(priced, "alice") as page:
        await page.send("count to 20", mode="deep")
        await page.finish()

    notices = [event["message"] for event in page.events if event["type"] == "answer.notice"]
    assert len(notices) == 1
    assert notices[0].startswith("Little is left of today's budget. Answered in 3 stages: Draft by Cheap")
    assert set(counted(priced)["tiers"]) == {"cheap"}
    priced.until(lambda metrics: fallbacks(metrics, "budget") == 1, "/metrics", "alice")


async def test_a_page_is_refused_what_nothing_pays_for(priced: Site) -> None:
    priced.shell(LIMIT.format(amount="0.0001"))
    async with Page(priced, "alice") as page:
        refused = await page.send("count to 20")

    assert refused["code"] == "budget"
    assert "It resets at 00:00" in refused["message"]


async def test_an_answer_fails_if_the_money_is_gone_when_it_begins(priced: Site) -> None:
    async with Page(priced, "alice") as page:
        priced.worker.kill()
        try:
            await page.send("count to 20")
            priced.shell(LIMIT.format(amount="0.0001"))
        finally:
            priced.worker = priced.start_worker()
        finished = await page.finish()

    assert (finished["status"], finished["errorCode"]) == ("failed", "budget")
