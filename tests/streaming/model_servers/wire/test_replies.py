"""Whatever a model server sends, what makes sense of it counts, and the rest is passed over."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec
import pytest

from conversations.models.generation.errors import ErrorCode
from streaming.model_servers.vllm.errors import BadReply, Rejected
from streaming.model_servers.vllm.wire import (
    TOO_LONG,
    ChatDelta,
    LikelyToken,
    ReplyReader,
    Usage,
    join_deltas,
    parse_whole,
)

EMOJI = "😀"
HALVES = ["\\ud83d", "\\ude00"]  # as JSON writes them


def read(*payloads: bytes, room: int = sys.maxsize) -> ChatDelta:
    """All of them, and the end, as one."""
    reader = ReplyReader(room)
    return join_deltas([*(reader.read(payload) for payload in payloads), reader.end()])


def choice(delta: object, **fields: object) -> bytes:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None, **fields}]}).encode()


def said(content: object, **fields: object) -> bytes:
    return choice({"content": content}, **fields)


def test_text_is_taken_exactly_as_it_came() -> None:
    assert read(said("\n\n  x ")).text == "\n\n  x "


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_old_and_new_servers_name_thinking_differently(field: str) -> None:
    assert read(choice({field: "hm", "content": None})).thinking == "hm"


def test_what_a_database_cannot_hold_is_replaced() -> None:
    assert read(said("a\0b")).text == "a\ufffdb"


def test_the_usage_chunk_has_no_choice() -> None:
    delta = read(b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":7,"total_tokens":10}}')

    assert delta.usage == Usage(3, 7)


def test_the_servers_own_figures_of_a_request_are_taken() -> None:
    told = (
        b'{"choices":[],"metrics":{"time_to_first_token_ms":1.31184,"queue_time_ms":0.009,"mean_itl_ms":null,'
        b'"generation_time_ms":8.505,"tokens_per_second":814.9}}'
    )

    assert read(told).server_ms == {"queued": 0.009, "first token": 1.312, "generation": 8.505}


@pytest.mark.parametrize(
    "metrics",
    [
        *(b"null", b"7", b"[1]", b"{}", b'{"queue_time_ms":"soon"}', b'{"queue_time_ms":[]}'),
        *(b'{"queue_time_ms":-1}', b'{"queue_time_ms":1e300}', b'{"queue_time_ms":NaN}', b'{"queue_time_ms":true}'),
    ],
)
def test_figures_that_make_no_sense_spoil_nothing(metrics: bytes) -> None:
    assert read(b'{"choices":[{"delta":{"content":"Hi"}}],"metrics":' + metrics + b"}") == read(said("Hi"))


# Chunks of odd shapes

HALF = "\ud800"
ODD: list[Any] = [None, True, 7, -1.5, "x", HALF, [], {}, [None], [[]], {"a": {}}]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["choices", "usage", "metrics", "id", "object", "created", "model", "service_tier"])
def test_an_odd_field_of_a_chunk_costs_nothing_else(name: str, odd: object) -> None:
    chunk = {"choices": [{"delta": {"content": "Hi"}}], "usage": {"completion_tokens": 7}, name: odd}

    found = read(json.dumps(chunk).encode())

    assert found.text == ("" if name == "choices" else "Hi")
    assert found.usage == (None if name == "usage" else Usage(0, 7))


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["index", "logprobs", "role", "token_ids", "stop_reason"])
def test_an_odd_field_of_a_choice_costs_nothing_else(name: str, odd: object) -> None:
    assert read(said("Hi", **{name: odd}), said("!", **{name: odd})).text == "Hi!"


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd not in ("x", HALF)])
def test_a_finish_reason_of_an_odd_type_is_none(odd: object) -> None:
    reader = ReplyReader(sys.maxsize)

    assert reader.read(said("Hi", finish_reason=odd)) == ChatDelta("Hi")
    assert not reader.has_ended


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd != "x"])
@pytest.mark.parametrize("name", ["delta", "message"])
def test_a_choice_without_a_readable_delta_says_how_it_ended(name: str, odd: object) -> None:
    ended = json.dumps({"choices": [{name: odd, "finish_reason": "length"}]}).encode()

    assert read(said("Hi"), ended) == ChatDelta("Hi", finish_reason="length")


@pytest.mark.parametrize("odd", [None, True, 7, -1.5, [], {}, [None], [[]], {"a": {}}])
@pytest.mark.parametrize("name", ["content", "reasoning", "reasoning_content", "refusal", "role"])
def test_an_odd_field_of_a_delta_costs_nothing_else(name: str, odd: object) -> None:
    other = {"content": "Hi"} if name != "content" else {"reasoning": "Hi"}

    found = read(choice({**other, name: odd}))

    assert found.text + found.thinking == "Hi"


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"7", b"ping", b'"x"', b"[]", b"[null]", b"{}", b"\xff", b"[" * 9999]
)
def test_what_is_no_chunk_at_all_is_passed_over(payload: bytes) -> None:
    if payload.startswith(b"[["):
        with pytest.raises(BadReply):
            read(payload)
    else:
        assert read(payload, said("Hi")).text == "Hi"


@pytest.mark.parametrize("payload", [b"{", b'{"choices": [{"delta": \xff\xfe', b'{"a":' * 9999])
def test_half_a_chunk_is_a_bad_reply(payload: bytes) -> None:
    with pytest.raises(BadReply):
        read(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"choices":[{"delta":{"content":"Hi"},"logprobs":{"content":[{"token":"Hi","logprob":NaN}]}}]}',
        b'{"choices":[{"delta":{"content":"Hi"}}],"created":' + b"9" * 5000 + b"}",
        b'{"choices":[{"delta":{"content":"Hi"}}],"x":1e999}',
        b'{"choices":[{"delta":{"content":"Hi"}}],"x":"\xff"}',
        b'{"choices":[{"delta":{"content":"Hi"}}],"x":"\t"}',
        b'{"choices":[{"delta":{"content":"Hi"}}],"x":"\\udc00"}',
        b'\xef\xbb\xbf{"choices":[{"delta":{"content":"Hi"}}]}',
    ],
)
def test_json_as_lenient_servers_write_it_is_read(payload: bytes) -> None:
    assert read(payload).text == "Hi"


# Texts


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Hi"}], "Hi"),
        ([{"type": "text", "text": "H"}, {"type": "text", "text": "i"}], "Hi"),
        (["H", "i"], "Hi"),
        ({"type": "text", "text": "Hi"}, "Hi"),
        ([{"type": "output_text", "text": {"value": "Hi", "annotations": []}}], "Hi"),
        ([{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "Hi"}], "Hi"),
        ([None, 7, {"type": "text"}, {"type": "text", "text": None}, {"text": "Hi"}], "Hi"),
        ([[[[[["too deep"]]]]]], ""),
    ],
)
def test_parts_of_text_are_text(content: object, text: str) -> None:
    assert read(said(content)).text == text


def test_parts_of_thinking_are_thinking() -> None:
    content = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Hi"}]

    assert read(said(content)) == ChatDelta("Hi", "hm", "stop")


@pytest.mark.parametrize("between", [[], [b'{"choices":[]}'], [b'{"choices":[{"delta":{"content":""}}]}']])
@pytest.mark.parametrize("field", ["content", "reasoning"])
def test_half_a_character_waits_for_the_other_half(field: str, between: list[bytes]) -> None:
    first, second = (b'{"choices":[{"delta":{"%b":"%b"}}]}' % (field.encode(), half.encode()) for half in HALVES)

    found = read(first.replace(b"\\ud83d", b"a\\ud83d"), *between, second.replace(b"\\ude00", b"\\ude00b"))

    assert found.text + found.thinking == f"a{EMOJI}b"


def test_half_a_character_alone_is_replaced() -> None:
    first, second = (b'{"choices":[{"delta":{"content":"%b"}}]}' % half.encode() for half in HALVES)

    assert read(first).text == "\ufffd"
    assert read(second, said("é")).text == "\ufffdé"
    assert read(first, said("x"), second).text == "\ufffdx\ufffd"


def test_several_choices_are_one() -> None:
    both = [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]
    chunks = [{"choices": [both[1]]}, {"choices": both}, {"choices": [both[0]]}, {"choices": [None, both[1]]}]

    assert read(*(msgspec.json.encode(chunk) for chunk in chunks)).text == "AAA"


def test_a_lone_choice_may_have_any_index() -> None:
    assert read(said("A", index=3), said("B", index=3), said("C", index=None)).text == "ABC"


# Ends


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        *(("stop", "stop"), ("STOP", "stop"), ("eos", "stop"), ("end_turn", "stop"), ("length", "length")),
        *(("max_tokens", "length"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("tool_use", "tool_calls")),
        *(("function_call", "tool_calls"), ("something\0new\n", "something new"), ("x" * 60, "x" * 40)),
    ],
)
def test_every_finish_reason_fits_its_column(told: str, reason: str) -> None:
    assert read(said("Hi", finish_reason=told)).finish_reason == reason


@pytest.mark.parametrize("none", ["", "null", "None"])
def test_a_finish_reason_that_says_nothing_is_no_end(none: str) -> None:
    reader = ReplyReader(sys.maxsize)

    assert reader.read(said("Hi", finish_reason=none)) == ChatDelta("Hi")
    assert not reader.has_ended


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([choice({"refusal": "I cannot."})], "refusal"),
        ([said([{"type": "refusal", "refusal": "I cannot."}])], "refusal"),
        ([choice({"tool_calls": [{"index": 0, "function": {"name": "f"}}]})], "tool_calls"),
        ([choice({"function_call": {"name": "f"}, "content": None})], "tool_calls"),
        ([said("Let me see."), choice({"tool_calls": [{"index": 0}]})], "stop"),
        ([choice({"role": "assistant", "content": None, "tool_calls": None, "refusal": None}), said("Hi")], "stop"),
        ([choice({"audio": {"data": "xx"}})], "stop"),
    ],
)
def test_a_stop_after_something_else_than_text_says_so(chunks: list[bytes], reason: str) -> None:
    assert read(*chunks, choice({}, finish_reason="stop")).finish_reason == reason


def test_the_words_of_a_refusal_are_its_text() -> None:
    assert read(choice({"refusal": "I "}), choice({"refusal": "cannot."})).text == "I cannot."


def test_what_there_is_no_room_for_is_cut_off() -> None:
    reader = ReplyReader(5)

    found = [reader.read(choice({"reasoning": "hm"})), reader.read(said("abcdef"))]

    assert found == [ChatDelta(thinking="hm"), ChatDelta("abc", finish_reason=TOO_LONG)]
    assert reader.is_full


# Figures


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        *(("7", 7), ("7.0", 7), ('"7"', 7), ("0", 0), ("100000000", 100_000_000)),
        *(("-1", None), ("7.5", None), ("true", None), ('"many"', None), ("[7]", None), ("null", None)),
        *(("18446744073709551615", None), ("100000001", None), ("1e308", None), ("1e999", None)),
        *(("NaN", None), ("-Infinity", None), ('"' + "9" * 5000 + '"', None), ("9" * 5000, None), ('"²"', None)),
    ],
)
def test_tokens_are_counts_or_nothing(told: str, counted: int | None) -> None:
    details = f'{{"cached_tokens":{told}}}'
    usage = f'{{"prompt_tokens":{told},"completion_tokens":{told},"prompt_tokens_details":{details}}}'

    found = read(f'{{"choices":[{{"delta":{{"content":"Hi"}}}}],"usage":{usage}}}'.encode())

    assert found.text == "Hi"
    assert found.usage == (None if counted is None else Usage(counted, counted, counted))


@pytest.mark.parametrize(
    ("entry", "token"),
    [
        ('{"token":"Hi","logprob":-0.5}', LikelyToken("Hi", -0.5)),
        ('{"token":"Hi","logprob":null}', LikelyToken("Hi")),
        ('{"token":"Hi","logprob":NaN}', LikelyToken("Hi")),
        ('{"token":"Hi","logprob":-Infinity}', LikelyToken("Hi")),
        ('{"token":"Hi","logprob":-1e999}', LikelyToken("Hi")),
        (f'{{"token":"Hi","logprob":-{"9" * 400}}}', LikelyToken("Hi")),
        ('{"token":"Hi","logprob":-9999.0}', LikelyToken("Hi")),
        ('{"token":"Hi","logprob":5.5}', LikelyToken("Hi")),
        ('{"token":"Hi","logprob":0.0001}', LikelyToken("Hi", 0.0001)),
        ('{"token":"Hi","logprob":"-0.5"}', LikelyToken("Hi")),
        ('{"token":"Hi","logprob":true}', LikelyToken("Hi")),
        ('{"token":"Hi"}', LikelyToken("Hi")),
        ('{"token":null,"logprob":{}}', LikelyToken("")),
        ("null", LikelyToken("")),
        ('"Hi"', LikelyToken("")),
    ],
)
def test_a_token_without_a_probability_has_none(entry: str, token: LikelyToken) -> None:
    logprobs = f'{{"content":[{entry},{{"token":"!","logprob":-1.0}}]}}'

    found = read(f'{{"choices":[{{"delta":{{"content":"Hi!"}},"logprobs":{logprobs}}}]}}'.encode())

    assert (found.text, found.tokens) == ("Hi!", (token, LikelyToken("!", -1.0)))


# Errors


def test_an_error_inside_the_stream_is_told() -> None:
    with pytest.raises(Rejected) as caught:
        read(b'{"error":{"message":"EngineCore died","type":"InternalServerError","code":500}}')

    assert caught.value.code == ErrorCode.SERVER_ERROR


def test_an_error_that_is_all_of_a_payload_is_told() -> None:
    with pytest.raises(Rejected, match="400: no such thing"):
        read(b'{"object":"error","message":"no such thing","code":400}')
    with pytest.raises(Rejected, match="400: no such thing"):
        parse_whole(b'{"object":"error","message":"no such thing","code":400}', sys.maxsize)


@pytest.mark.parametrize("nothing", [None, "", {}, [], False, 0])
def test_no_error_is_none(nothing: object) -> None:
    assert read(said("Hi", error=nothing)).text == "Hi"
    assert read(json.dumps({"error": nothing, "choices": [{"delta": {"content": "Hi"}}]}).encode()).text == "Hi"


def test_an_error_inside_a_choice_is_told() -> None:
    with pytest.raises(Rejected, match="Provider disconnected"):
        read(said("", error={"code": 502, "message": "Provider disconnected"}, finish_reason="error"))


@pytest.mark.parametrize("reason", ["error", "abort", "ERROR"])
def test_an_answer_that_ended_with_an_error_failed(reason: str) -> None:
    with pytest.raises(Rejected):
        read(said("Hi"), said("", finish_reason=reason))


# Whole replies


def whole(message: object, **fields: object) -> ChatDelta:
    reply = {"choices": [{"index": 0, "message": message, "finish_reason": "stop", **fields}]}
    return parse_whole(json.dumps(reply).encode(), sys.maxsize)


def test_a_whole_reply_is_one_delta() -> None:
    assert whole({"content": "Hi", "reasoning": "hm"}) == ChatDelta("Hi", "hm", "stop")
    assert whole({"content": "Hi"}, finish_reason=None).finish_reason == "stop"
    assert whole({"content": [{"type": "text", "text": "Hi"}]}).text == "Hi"
    assert whole({"content": None, "refusal": "No."}) == ChatDelta("No.", finish_reason="refusal")
    assert whole(None) == ChatDelta(finish_reason="stop")


@pytest.mark.parametrize("reply", [b"", b"{}", b"[]", b"null", b"{", b"<html>", b'{"choices":null}', b'{"choices":[]}'])
def test_a_whole_reply_without_an_answer_is_a_bad_one(reply: bytes) -> None:
    with pytest.raises(BadReply):
        parse_whole(reply, sys.maxsize)


def test_a_list_of_errors_is_told() -> None:
    with pytest.raises(Rejected, match="no quota"):
        parse_whole(b'[{"error":{"code":429,"message":"no quota","status":"RESOURCE_EXHAUSTED"}}]', sys.maxsize)


# Payloads of more than anybody reads

LONG = b"[" + b"[]," * 40_000 + b"[]]"
MANY = b"[" + b"[]," * 100_000 + b"[]]"
TEXT = b'{"choices":[{"index":0,"delta":{"content":"Hi"%b}%b}]%b}'


@pytest.mark.parametrize(
    "payload",
    [
        TEXT % (b"", b"", b',"usage":{"completion_tokens":7,"more":%b}' % LONG),
        TEXT % (b"", b"", b',"metrics":%b' % LONG),
        TEXT % (b"", b"", b',"strange":%b' % MANY),
        TEXT % (b',"tool_calls":%b' % LONG, b"", b""),
    ],
)
def test_a_field_that_is_too_long_to_be_read_says_nothing(payload: bytes) -> None:
    assert read(payload) == read(TEXT % (b"", b"", b""))


@pytest.mark.parametrize("place", [(b"", b"", b',"error":%b' % LONG), (b"", b',"error":%b' % LONG, b"")])
def test_an_error_that_is_too_long_to_be_read_is_one(place: tuple[bytes, ...]) -> None:
    with pytest.raises(Rejected):
        read(TEXT % place)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"choices":%b}' % MANY,
        b'{"choices":%b}' % MANY.replace(b"[]", b"{}"),
        TEXT % (b"", b',"finish_reason":7', b',"strange":%b' % MANY),
        TEXT % (b"", b',"logprobs":{"content":%b}' % MANY, b""),
        TEXT.replace(b'"Hi"', MANY) % (b"", b"", b""),
        MANY,
    ],
)
def test_a_payload_of_more_values_than_an_answer_has_is_none(payload: bytes) -> None:
    with pytest.raises(BadReply, match="more than 100,000"):
        read(payload)


@pytest.mark.parametrize("odd", [b"", b',"finish_reason":7'])
def test_a_long_text_of_many_marks_is_read(odd: bytes) -> None:
    text = "{[,] }" * 20_000

    found = read((TEXT % (b"", odd, b"")).replace(b"Hi", text.encode()))

    assert found.text == text
