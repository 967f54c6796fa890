"""A model server's bytes become typed deltas; thinking is told from the answer."""

import msgspec
import pytest

from conversations.models.errors import ErrorCode
from streaming.vllm.errors import BadReply, Rejected, rejection
from streaming.vllm.thinking import ThinkSplitter
from streaming.vllm.wire import ChatDelta, EventLines, Usage, parse_chunk


def chunk(**delta: str) -> bytes:
    return msgspec.json.encode({"choices": [{"delta": delta, "finish_reason": None}]})


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_payloads_are_whole_however_the_bytes_are_cut(size: int) -> None:
    stream = b'data: {"a":1}\n\n: keep-alive\n\ndata: {"b":"\xc3\xa9"}\r\n\r\nevent: x\ndata: [DONE]\n\n'
    lines = EventLines()

    found = [payload for i in range(0, len(stream), size) for payload in lines.feed(stream[i : i + size])]

    assert found == [b'{"a":1}', b'{"b":"\xc3\xa9"}', b"[DONE]"]


def test_text_is_taken_exactly_as_it_came() -> None:
    assert parse_chunk(chunk(content="\n\n  x ")) == ChatDelta(text="\n\n  x ")


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_old_and_new_servers_name_thinking_differently(field: str) -> None:
    assert parse_chunk(chunk(**{field: "hm"})).thinking == "hm"


def test_what_a_database_cannot_hold_is_replaced() -> None:
    assert parse_chunk(chunk(content="a\0b")).text == "a\ufffdb"


def test_the_usage_chunk_has_no_choice() -> None:
    delta = parse_chunk(b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":7,"total_tokens":10}}')

    assert delta == ChatDelta(usage=Usage(3, 7))


def test_the_servers_own_figures_of_a_request_are_taken() -> None:
    told = (
        b'{"choices":[],"metrics":{"time_to_first_token_ms":1.31184,"queue_time_ms":0.009,"mean_itl_ms":null,'
        b'"generation_time_ms":8.505,"tokens_per_second":814.9}}'
    )

    assert parse_chunk(told).server_ms == {"queued": 0.009, "first token": 1.312, "generation": 8.505}


@pytest.mark.parametrize(
    "metrics", [b"null", b"7", b"[1]", b"{}", b'{"queue_time_ms":"soon"}', b'{"queue_time_ms":[]}']
)
def test_figures_that_make_no_sense_spoil_nothing(metrics: bytes) -> None:
    assert parse_chunk(b'{"choices":[],"metrics":' + metrics + b"}") == ChatDelta()


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[]", b'{"choices":[{"delta":{"content":7}}]}', b"[" * 9999])
def test_rubbish_is_a_bad_reply(payload: bytes) -> None:
    with pytest.raises(BadReply):
        parse_chunk(payload)


def test_an_error_inside_the_stream_is_told() -> None:
    with pytest.raises(Rejected) as caught:
        parse_chunk(b'{"error":{"message":"EngineCore died","type":"InternalServerError","code":500}}')

    assert caught.value.code == ErrorCode.SERVER_ERROR


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b'{"error":"Unauthorized"}', ErrorCode.UNAUTHORISED),
        (404, b'{"error":{"message":"The model `x` does not exist.","code":404}}', ErrorCode.UNKNOWN_MODEL),
        (400, b'{"error":{"message":"maximum context length is 4096","code":400}}', ErrorCode.CONTEXT_TOO_LONG),
        (400, b'{"error":{"message":"temperature must be positive","code":400}}', ErrorCode.REFUSED),
        (400, b'{"object":"error","message":"old shape","code":400}', ErrorCode.REFUSED),
        (503, b'{"error":{"message":"busy","code":503}}', ErrorCode.OVERLOADED),
        (500, b"<html>nginx</html>", ErrorCode.SERVER_ERROR),
    ],
)
def test_every_refusal_has_its_code(status: int, body: bytes, code: ErrorCode) -> None:
    assert rejection(status, body).code == code


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("plain answer", "", "plain answer"),
        ("<think>\nhm\n</think>\n\nyes", "\nhm\n", "\n\nyes"),
        ("\n<think>a</thin</think>b", "a</thin", "b"),
        ("say <think> is a tag", "", "say <think> is a tag"),
        ("<think>never closed", "never closed", ""),
        ("<thi", "", "<thi"),
        ("<think>a</think>b</think>c<think>", "a", "b</think>c<think>"),
    ],
)
def test_thinking_is_split_off_wherever_the_chunks_are_cut(text: str, thinking: str, answer: str) -> None:
    for size in range(1, len(text) + 1):
        splitter = ThinkSplitter()
        pieces = [splitter.feed(text[i : i + size]) for i in range(0, len(text), size)] + [splitter.finish()]

        assert ("".join(p[0] for p in pieces), "".join(p[1] for p in pieces)) == (thinking, answer)
