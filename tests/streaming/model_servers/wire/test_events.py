"""The standard's event streams, and those that nearly keep to it, however their bytes are cut."""

from __future__ import annotations

import pytest

from streaming.model_servers.vllm.errors import BadReply
from streaming.model_servers.vllm.events import EventStream

ROOM = 1000


def payloads(stream: bytes, size: int) -> list[bytes]:
    events = EventStream(ROOM)
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    return [payload for piece in pieces for payload in events.feed(piece)] + events.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b'data: {"a":1}\n\ndata: [DONE]\n\n', [b'{"a":1}', b"[DONE]"]),
        (b'data: {"a":1}\r\n\r\ndata: [DONE]\r\n\r\n', [b'{"a":1}', b"[DONE]"]),
        (b'data: {"a":1}\r\rdata: [DONE]\r\r', [b'{"a":1}', b"[DONE]"]),
        (b'data: {"a":1}\r\n\ndata: [DONE]\n\r', [b'{"a":1}', b"[DONE]"]),
        (b'\xef\xbb\xbfdata: {"a":1}\n\n', [b'{"a":1}']),
        (b'\xef\xbb\xbf\xef\xbb\xbfdata: {"a":1}\n\n', []),
        (b'data:{"a":1}\n\n', [b'{"a":1}']),
        (b'data:   {"a":1}  \n\n', [b'{"a":1}']),
        (b'data: {"a":\ndata: 1}\n\n', [b'{"a":\n1}']),
        (b'data: {"a":1}', [b'{"a":1}']),
        (b'data: {"a":1}\n', [b'{"a":1}']),
        (b'data: {"a":1}\n\ndata: [DONE]', [b'{"a":1}', b"[DONE]"]),
        (b': keep-alive\n\nevent: x\nid: 7\nretry: 10\ndata: {"a":1}\n\n', [b'{"a":1}']),
        (b"data\n\ndata:\n\ndata: \n\n\n\n", []),
        (b'event: error\ndata: {"a":1}\n\ndata: {"b":2}\n\n', [b'{"error":{"a":1}}', b'{"b":2}']),
        (b"event: error\ndata: out of memory\n\n", [b'{"error":"out of memory"}']),
        (b'event: error\n\nevent:error\nevent: x\ndata: {"b":2}\n\n', [b'{"b":2}']),
        (b'Data: {"a":1}\n\n data: {"a":1}\n\ndatum: {"a":1}\n\n', []),
        (b'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]\n', [b'{"a":1}', b'{"b":2}', b"[DONE]"]),
        (b"data: \xe2\x80\xa8\x0b\x0c\x1c\xc2\x85!\n\n", [b"\xe2\x80\xa8\x0b\x0c\x1c\xc2\x85!"]),
        (b"", []),
        (b"\xef\xbb", []),
    ],
)  # fmt: skip
def test_payloads_are_whole_however_the_bytes_are_cut(stream: bytes, found: list[bytes], size: int) -> None:
    assert payloads(stream, size) == found


def test_an_event_is_there_with_its_empty_line() -> None:
    events = EventStream(ROOM)

    assert events.feed(b'data: {"a":1}\n') == []
    assert events.feed(b"\n") == [b'{"a":1}']
    assert events.feed(b'data: {"b":1}\r') == []
    assert events.feed(b"\n\r") == [b'{"b":1}']


@pytest.mark.parametrize(
    "piece", [b"data: " + b"x" * 100, b"data: " + b"x" * 50 + b"\n", b"x" * 100, b": " + b"x" * 99]
)
def test_an_event_or_a_line_is_bounded(piece: bytes) -> None:
    events = EventStream(ROOM)

    with pytest.raises(BadReply, match="more than 1,000 bytes"):
        for _ in range(30):
            events.feed(piece)


def test_what_has_ended_takes_no_room() -> None:
    events = EventStream(ROOM)

    for _ in range(1000):
        events.feed(b": comment\n\ndata: {}\n\nid: 1\r\nevent")
        events.feed(b": x\r\n\r\n")


@pytest.mark.parametrize("piece", [b"\n", b"\r", b": x\n", b"id: 1\n", b"data:\n", b"data: {}\n\n"])
def test_short_lines_count_as_more_than_they_have(piece: bytes) -> None:
    """Time is what they take."""
    events = EventStream(100 * ROOM)
    events.feed(b"data: {}\n\n")
    before = events.taken

    events.feed(piece * 1000)

    assert events.taken - before >= 64_000


def test_long_lines_count_as_they_are() -> None:
    events, event = EventStream(ROOM), b'data: {"x": "%b"}\n\n' % (b"x" * 200)

    for _ in range(10):
        events.feed(event)

    assert events.taken == 10 * len(event)
