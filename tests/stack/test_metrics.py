"""/metrics of the running site: what its processes count arrives there."""

from __future__ import annotations

import re

from tests.harness.page import Page
from tests.harness.site import Site

COUNTED = (
    "generations_total",
    "completion_tokens_total",
    "log_appends_total",
    "log_appended_bytes_total",
    "sockets_opened_total",
    "time_to_first_token_seconds_count",
    "model_time_to_first_token_seconds_count",
    "queue_wait_seconds_count",
    "inter_token_latency_seconds_count",
    "hub_lag_seconds_count",
)


def counted(metrics: str) -> dict[str, float]:
    """Summed over labels."""
    found = dict.fromkeys(COUNTED, 0.0)
    for name, value in re.findall(r"^throughline_(\w+)(?:\{.*\})? (\S+)$", metrics, re.MULTILINE):
        if name in found:
            found[name] += float(value)
    return found


def fallbacks(metrics: str, way: str) -> float:
    return float(re.findall(rf'^throughline_fallbacks_total{{way="{way}"}} (\S+)$', metrics, re.MULTILINE)[0])


async def test_an_answer_shows_in_every_figure(site: Site) -> None:
    with site.visitor() as visitor:
        before = counted(visitor.get("/metrics").text)
    async with Page(site, "alice") as page:
        await page.send("count to 200")
        await page.finish()

    site.until(lambda metrics: all(now > before[name] for name, now in counted(metrics).items()), "/metrics", "alice")
