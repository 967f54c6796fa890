"""The timing of an answer, from the click to the last frame."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings

from streaming.protocol import CLOSE_TOO_MANY
from tests.harness.page import Page
from tests.harness.site import Site

ORDER = ("received", "accepted", "dispatched", "claimed", "requested", "first_byte", "first_token")


async def answered(site: Site) -> dict[str, Any]:
    """All that is known of one answer, when its web process has told."""
    async with Page(site, "alice") as page, Page(site, "alice") as other:
        with site.held(15):
            await page.send("count to 30")
            other.generation = page.generation
            await other.watch()
            await page.until_text(10)
            await other.until_text(10)
        await page.tell("answer.painted", generation=page.generation, afterMs=123)
        await page.finish()
    site.until(lambda text: "Viewers at most</dt><dd>2<" in text, f"/ops/generations/{page.generation}/", "otto")
    return site.record(page.generation) | site.record(page.generation, "GenerationTiming")


async def test_it_is_complete_and_in_order(site: Site) -> None:
    row = await answered(site)

    moments = [datetime.fromisoformat(row[f"{name}_at"]) for name in ORDER]
    assert moments == sorted(moments)
    for name in ("first_append_at", "first_frame_at"):  # the worker hears of the first when browsers have it already
        assert moments[-1] <= datetime.fromisoformat(row[name]) <= datetime.fromisoformat(row["finished_at"])
    assert row["upstream_ended_at"] <= row["finished_at"] < row["committed_at"] <= row["published_at"]
    assert 0 < row["gap_p50_ms"] <= row["gap_p95_ms"] <= row["gap_longest_ms"]
    assert row["first_paint_ms"] == 123


async def test_every_hop_carries_more_than_the_text(site: Site) -> None:
    row = await answered(site)

    assert 0 < row["text_bytes"] <= row["database_bytes"]
    assert row["text_bytes"] < row["redis_bytes"]
    assert row["viewers"] == 2 and row["socket_bytes"] > 2 * row["text_bytes"]


async def test_only_the_owner_reports_a_paint_and_only_once(site: Site) -> None:
    async with Page(site, "alice") as page, Page(site, "bob") as bob:
        await page.send("count to 3")
        for page_, after_ms in ((bob, 5), (page, 321), (page, 7)):
            await page_.tell("answer.painted", generation=page.generation, afterMs=after_ms)
            await page_.tell("ping")
            await page_.until("pong")
        await page.finish()

    assert [event for event in bob.events if event["type"] == "error"] == []
    assert site.record(page.generation, "GenerationTiming")["first_paint_ms"] == 321


@pytest.mark.parametrize("after_ms", [-1, 3_600_001, 1.5, "soon"])
async def test_a_paint_that_cannot_be_is_refused(site: Site, after_ms: object) -> None:
    async with Page(site, "alice") as page:
        await page.tell("answer.painted", generation=uuid4(), afterMs=after_ms)
        refused = await page.until("error")

    assert refused["code"] == "bad_command"


async def test_paint_reports_without_clicks_count_as_commands(site: Site) -> None:
    async with Page(site, "alice") as page:
        for _ in range(settings.COMMANDS_PER_10_S + 1):
            await page.tell("answer.painted", generation=uuid4(), afterMs=1)

        assert await page.close_code() == CLOSE_TOO_MANY
