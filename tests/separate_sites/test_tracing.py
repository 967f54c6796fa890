"""Traces: one per answer, made by all processes together, for a collector of OpenTelemetry's."""

from __future__ import annotations

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.harness.page import Page
from tests.harness.site import Site
from tests.streaming.api.program import Program

from .collector import Collector
from .echo import EchoServer

WEB = {"accept", "command"}
TOKENS = "gen_ai.usage.output_tokens"
WORKER = {"queue", "claim", "request", "writing", "finish", "generation"}


def is_whole(spans: dict[str, Span]) -> bool:
    return set(spans) >= WEB | WORKER


def values(span: Span) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "") for one in span.attributes}


async def test_an_answer_is_one_trace_of_web_worker_and_model_server(
    telling_site: Site, collector: Collector, echo: EchoServer
) -> None:
    async with Page(telling_site, "alice") as page:
        await page.send("count to 20 for canary-of-a-trace")
        await page.finish()
    spans = collector.trace(page.generation, is_whole)
    root = spans["generation"]
    mine = [(process, span) for process, span in collector.spans if span.trace_id == root.trace_id]
    parents = {name: span.parent_span_id for name, span in spans.items()}

    assert {process for process, _ in mine} == {"web", "worker"}
    assert set(spans) == WEB | WORKER
    assert (parents["generation"], parents["accept"]) == (b"", spans["command"].span_id)
    assert parents["writing"] == spans["request"].span_id
    assert {parents[name] for name in ("command", "queue", "claim", "request", "finish")} == {root.span_id}
    assert [event.name for event in spans["request"].events] == ["first token"]
    assert values(spans["request"])[TOKENS] == values(root)[TOKENS]
    assert spans["queue"].start_time_unix_nano <= spans["claim"].start_time_unix_nano < root.end_time_unix_nano
    refused = next(span for _, span in mine if span.status.code == Status.STATUS_CODE_ERROR)
    request = values(refused)["throughline.request"]
    sent = next(headers["traceparent"] for headers in echo.heard if headers.get("X-Request-Id") == request)
    assert refused.status.message == "400 refused" and refused.kind == Span.SPAN_KIND_CLIENT
    assert sent == f"00-{refused.trace_id.hex()}-{refused.span_id.hex()}-01"


async def test_no_text_is_in_a_trace(telling_site: Site, collector: Collector) -> None:
    async with Page(telling_site, "alice") as page:
        await page.send("count to 20 for canary-of-a-trace")
        await page.finish()
    collector.trace(page.generation, is_whole)

    assert not any(text in body for body in collector.bodies for text in (b"canary", b"1 2 3"))


def test_a_programs_question_is_traced_too(telling_site: Site, collector: Collector) -> None:
    with Program(telling_site, "alice").http as http:
        asked = http.post("/conversations", json={"text": "count to 3"}).json()

    spans = collector.trace(asked["generation"]["id"], is_whole)

    assert values(spans["command"])["throughline.command"] == "SendMessage"
