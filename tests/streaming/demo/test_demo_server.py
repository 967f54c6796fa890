"""The demo model server speaks as vLLM was recorded to speak, and fails on demand."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from streaming.demo.answers import answer_tokens, title_for
from streaming.demo.tokens import tokens_of
from tests.harness.processes import ROOT, free_port, model_process

RECORDINGS = ROOT / "tests" / "data" / "vllm"
MAY_DIFFER = {
    "prompt_tokens_details",
    "completion_tokens_details",
    "system_fingerprint",
    "permission",
    "root",
    "parent",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    port = free_port()
    arguments = [
        "--ttft",
        "0",
        "--rate",
        "0",
        "--strict-continuation",
        "--max-num-seqs",
        "4",
        "--max-model-len",
        "4096",
    ]
    process = model_process(tmp_path_factory.mktemp("model"), port, *arguments)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
        yield client
    process.stop()


def chat(question: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], **fields}


def stream(model: httpx.Client, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a streamed answer, without [DONE]."""
    with model.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as response:
        payloads = [line[6:] for line in response.iter_lines() if line.startswith("data: ")]
    return [json.loads(payload) for payload in payloads if payload != "[DONE]"]


def said(chunks: list[dict[str, Any]], field: str = "content") -> str:
    return "".join(c["choices"][0]["delta"].get(field) or "" for c in chunks if c.get("choices"))


def recorded(name: str) -> list[dict[str, Any]]:
    """The JSON bodies of a recording."""
    lines = [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]
    bodies = [line["data"].removeprefix("data: ") for line in lines if "data" in line]
    return [json.loads(body) for body in bodies if not body.startswith("[DONE]")]


def keys(value: Any) -> Any:
    """The shape of a JSON value: its keys at every level."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items() if key not in MAY_DIFFER}
    return [keys(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


def test_chunks_have_the_recorded_shapes(model: httpx.Client) -> None:
    theirs = recorded("chat_stream_usage")

    ours = stream(model, chat("count to 5", stream_options={"include_usage": True}))

    assert keys(ours[0]) == keys(theirs[0])
    assert keys(ours[1]) == keys(theirs[1])
    assert keys(ours[-1]) == keys(theirs[-1])
    assert set(ours[-2]["choices"][0]) == set(theirs[-2]["choices"][0])


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("err_unknown_model_404", chat("x", model="nope")),
        ("err_stream_options_without_stream", chat("x", stream_options={"include_usage": True})),
        ("err_continue_and_genprompt", chat("x", continue_final_message=True)),
    ],
)
def test_refusals_have_the_recorded_shapes(model: httpx.Client, name: str, body: dict[str, Any]) -> None:
    theirs = recorded(name)[0]

    response = model.post("/v1/chat/completions", json=body)

    assert response.status_code == theirs["error"]["code"]
    assert set(response.json()["error"]) == set(theirs["error"])


def test_the_list_of_models_tells_that_this_is_a_demo(model: httpx.Client) -> None:
    listed = model.get("/v1/models").json()

    assert set(recorded("get_models")[0]["data"][0]) == set(listed["data"][0])
    assert listed["data"][0]["owned_by"] == "throughline-demo"


def test_the_same_question_has_the_same_answer(model: httpx.Client) -> None:
    assert said(stream(model, chat("Explain a table"))) == said(stream(model, chat("Explain a table")))


def test_a_whole_answer_equals_the_streamed_one(model: httpx.Client) -> None:
    whole = model.post("/v1/chat/completions", json=chat("Explain a plan")).json()

    assert whole["choices"][0]["message"]["content"] == said(stream(model, chat("Explain a plan")))


def test_an_answer_continues_exactly_at_every_character(model: httpx.Client) -> None:
    whole = said(stream(model, chat("hello")))
    going_on = {"continue_final_message": True, "add_generation_prompt": False}

    for cut in range(1, len(whole), 7):
        body = chat("hello", **going_on)
        body["messages"].append({"role": "assistant", "content": whole[:cut]})
        assert whole[:cut] + said(stream(model, body)) == whole


def test_a_text_that_is_not_its_own_is_not_continued(model: httpx.Client) -> None:
    body = chat("hello", continue_final_message=True, add_generation_prompt=False)
    body["messages"].append({"role": "assistant", "content": "Something else."})

    assert model.post("/v1/chat/completions", json=body).status_code == 400


def test_thinking_comes_first_and_can_be_switched_off(model: httpx.Client) -> None:
    thinking = stream(model, chat("[think] why?"))
    without = stream(model, chat("[think] why?", chat_template_kwargs={"enable_thinking": False}))

    assert said(thinking, "reasoning").startswith("\nThe user asks")
    assert said(without, "reasoning") == ""
    assert said(thinking) == "\n\n" + said(without)


def test_the_limit_of_tokens_cuts_the_answer(model: httpx.Client) -> None:
    chunks = stream(model, chat("count to 50", max_tokens=3))

    assert said(chunks) == "1 2 3 "
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"


def test_more_tokens_than_the_context_has_are_refused(model: httpx.Client) -> None:
    """Fewer than that, but more than there is room for, are cut without a word."""
    refused = model.post("/v1/chat/completions", json=chat("count to 5", max_tokens=4097))
    cut = model.post("/v1/chat/completions", json=chat("count to 5", max_tokens=4096))

    assert "max_tokens=4097 cannot be greater than max_model_len=4096" in refused.json()["error"]["message"]
    assert (refused.status_code, cut.status_code) == (400, 200)


def test_a_prompt_that_fills_the_context_leaves_no_token(model: httpx.Client) -> None:
    response = model.post("/v1/chat/completions", json=chat(" x" * (4096 - 4)))

    assert "max_tokens must be at least 1, got 0" in response.json()["error"]["message"]


def test_a_prompt_beyond_the_context_is_refused(model: httpx.Client) -> None:
    response = model.post("/v1/chat/completions", json=chat("word " * 5000))

    assert response.status_code == 400
    assert "maximum context length" in response.json()["error"]["message"]


def test_a_client_that_hangs_up_frees_its_place(model: httpx.Client) -> None:
    with model.stream("POST", "/v1/chat/completions", json=chat("count to 9 [[demo hang_after=3]]", stream=True)) as s:
        next(s.iter_lines())

    for _ in range(100):
        if 'num_requests_running{engine="0",model_name="demo"} 0.0' in model.get("/metrics").text:
            return
    raise AssertionError("the request still runs")


def test_faults_can_be_set_for_the_next_requests(model: httpx.Client) -> None:
    model.post("/demo/faults", json={"status": 503, "times": 1})

    first, second = (model.post("/v1/chat/completions", json=chat("hello")).status_code for _ in range(2))

    assert (first, second) == (503, 200)


def test_an_answer_is_held_at_a_word_until_it_is_released(model: httpx.Client) -> None:
    body = chat("count to 9 [[demo hold_after=3]]", stream=True)
    with model.stream("POST", "/v1/chat/completions", json=body) as response:
        chunks = (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {"))
        held = list(itertools.islice(chunks, 6))  # the role, three words, and signs of life
        model.delete("/demo/faults")
        rest = list(chunks)

    assert said(held) == "1 2 3 "
    assert said(rest) == "4 5 6 7 8 9 "


def test_what_is_released_before_it_is_held_goes_on(model: httpx.Client) -> None:
    body = chat("count to 9 [[demo hold_after=3 ttft=0.3]]", stream=True)
    with model.stream("POST", "/v1/chat/completions", json=body) as response:
        model.delete("/demo/faults")
        lines = list(response.iter_lines())

    assert lines[-2] == "data: [DONE]"


def test_an_error_inside_the_stream_is_no_http_error(model: httpx.Client) -> None:
    chunks = stream(model, chat("count to 9 [[demo error_after=2]]"))

    assert said(chunks) == "1 2 "
    assert chunks[-1]["error"]["code"] == 500


def test_a_title_is_made_of_the_questions_words() -> None:
    assert title_for("What is the capital of France?") == "Capital France"
    assert title_for("ทำไมท้องฟ้าเป็นสีฟ้า นะ?") == "ทำไมท้องฟ้าเป็นสีฟ้า นะ"  # with the marks above its letters


@pytest.mark.parametrize("question", ["hello", "Explain a table", "ما هو البث؟", "count to 7", "[echo]  x\n\n y "])
def test_tokens_are_the_text(question: str) -> None:
    text = "".join(answer_tokens(question))

    assert "".join(tokens_of(text)) == text


def test_the_journal_tells_when_each_token_was_sent(tmp_path: Path) -> None:
    port, journal = free_port(), tmp_path / "journal"
    process = model_process(tmp_path, port, "--ttft", "0", "--rate", "500", "--journal", str(journal))
    begun = time.monotonic()

    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60, headers={"X-Request-Id": "abc"}
    ) as client:
        stream(client, chat("count to 5"))
    process.stop()

    (note,) = [json.loads(line) for line in journal.read_text().splitlines()]
    assert note["request"] == "abc" and note["size"] > 500 and not note["hung_up"]
    assert len(note["sent"]) == 5 and [begun, *note["sent"], note["ended"]] == sorted(
        [begun, *note["sent"], note["ended"]]
    )
