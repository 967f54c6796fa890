"""The clock of an answer, from the click to the last frame."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.site import Site
from tests.stack.page import Page

ORDER = ("received", "accepted", "dispatched", "claimed", "requested", "first_byte", "first_token")


async def answered(site: Site) -> dict[str, Any]:
    """All that is known of one answer, when its web process has told."""
    async with Page(site, "alice") as page, Page(site, "alice") as other:
        await page.send("count to 30")
        other.generation = page.generation
        await other.watch()
        await page.until_text(10)
        await page.tell("answer.painted", generation=page.generation, afterMs=123)
        await page.finish()
    site.until(lambda text: "To browsers" in text and "frames" in text, f"/ops/generations/{page.generation}/", "otto")
    return site.record(page.generation) | site.record(page.generation, "Clock")


async def test_it_is_complete_and_in_order(site: Site) -> None:
    row = await answered(site)

    moments = [datetime.fromisoformat(row[f"{name}_at"]) for name in ORDER]
    assert moments == sorted(moments)
    for name in ("first_append_at", "first_frame_at"):  # the worker hears of the first when browsers have it already
        assert moments[-1] <= datetime.fromisoformat(row[name]) <= datetime.fromisoformat(row["finished_at"])
    assert 0 < row["gap_p50_ms"] <= row["gap_p95_ms"] <= row["gap_longest_ms"]
    assert row["first_paint_ms"] == 123


async def test_every_hop_carries_more_than_the_text(site: Site) -> None:
    row = await answered(site)

    assert 0 < row["text_bytes"] <= row["database_bytes"]
    assert row["text_bytes"] < row["redis_bytes"]
    assert row["viewers"] == 2 and row["socket_bytes"] > 2 * row["text_bytes"]
