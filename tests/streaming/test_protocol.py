"""The socket's language: one definition in Python, one in JavaScript, and what happens to anything else."""

import re
from pathlib import Path
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from streaming import protocol
from streaming.protocol import BadCommand, SendMessage, parse_command

ROOT = Path(__file__).parents[2]
CLICK = "8f14e45f-ceea-467f-9575-1c9b1c2f0f10"


def types_of(union: object) -> set[str]:
    return {str(kind.__struct_config__.tag) for kind in get_args(union)}


def literals(name: str) -> set[str]:
    """The quoted strings of ``export const name = {…}`` in protocol.js."""
    source = (ROOT / "static/js/protocol.js").read_text()
    found = re.search(rf"export const {name} = [^{{]*{{(.*?)}}", source, re.DOTALL)
    assert found, f"protocol.js exports no {name}"
    return set(re.findall(r'"([a-z.]+)"', found[1]))


def test_python_and_javascript_know_the_same_commands() -> None:
    assert literals("command") == types_of(protocol.AnyCommand)


def test_python_and_javascript_know_the_same_events() -> None:
    assert literals("event") == types_of(protocol.AnyEvent)


def test_the_document_tells_every_type() -> None:
    document = (ROOT / "docs/protocol.md").read_text()

    missing = [t for t in types_of(protocol.AnyCommand) | types_of(protocol.AnyEvent) if f"| `{t}` |" not in document]

    assert missing == []


def test_a_command_is_read_into_its_dataclass() -> None:
    command = parse_command(f'{{"type": "message.send", "id": "{CLICK}", "text": "hello"}}')

    assert command == SendMessage(UUID(CLICK), text="hello")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[",
        "null",
        "[]",
        "{}",
        '{"type": "unknown"}',
        '{"type": "message.send"}',
        '{"type": "message.send", "id": 7, "text": "x"}',
        '{"type": "message.send", "id": "' + CLICK + '", "text": ["x"]}',
        '{"type": "message.send", "id": "' + CLICK + '", "text": "x", "strange": 1}',
        '{"type": "message.send", "id": "' + CLICK + '", "text": "\\ud800"}',
        '{"type": "ack", "frames": 1e999}',
        '{"type": "ack", "frames": ' + "9" * 10_000 + "}",
        "[" * 100_000,
        '{"type":' * 100_000,
        b"\xff\xfe{}",
    ],
)
def test_anything_else_is_a_bad_command_with_a_sentence(frame: str | bytes) -> None:
    with pytest.raises(BadCommand, match="does not understand"):
        parse_command(frame)


@pytest.mark.parametrize("moment", [1e300, -1e300, float(2**62)])
def test_a_nonsense_clock_is_no_clock(moment: float) -> None:
    assert SendMessage(UUID(CLICK), moment, "x").clicked is None


def test_lengths_are_counted_as_javascript_counts() -> None:
    assert protocol.code_units("a😀é") == 4


def test_events_name_their_type_and_leave_defaults_out() -> None:
    frame = protocol.encode(protocol.Refused("empty", "Write something."))

    assert msgspec.json.decode(frame) == {"type": "error", "code": "empty", "message": "Write something."}
