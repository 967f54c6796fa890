"""What another version left in Redis is not there; what of it can be read is."""

from __future__ import annotations

import msgspec

from streaming.coordination import exchanged


class Told(msgspec.Struct):
    name: str
    places: int


def test_what_is_not_of_this_version_is_left_out() -> None:
    stored = [b'{"name":"a","places":1}', None, b'{"name":"b"}', b'{"name":"c","places":"many"}', b"\xff", b"nothing"]

    assert exchanged.read(stored, Told) == [Told("a", 1)]


def test_what_a_later_version_tells_beside_it_is_passed_over() -> None:
    assert exchanged.read([b'{"name":"a","places":1,"colour":"red"}'], Told) == [Told("a", 1)]
