"""The socket's language: one definition in Python, one in JavaScript, and what happens to anything else."""

import re
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from streaming import protocol
from streaming.protocol import BadCommand, SendMessage, parse_command
from tests.harness.processes import ROOT

MANY_PARTS = msgspec.json.encode({f"{stage}.text": [1, 1] for stage in range(65)}).decode()
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
        '{"type": "' + "x" * 100_000 + '"}',
        '{"type": "ping", "' + "x" * 100_000 + '": 1}',
        '{"type": "ack", "frames": -1}',
        '{"type": "ack", "frames": 2147483648}',
        '{"type": "answer.painted", "generation": "' + CLICK + '", "afterMs": 3600001}',
        '{"type": "answer.painted", "generation": "' + CLICK + '", "afterMs": -1}',
        '{"type": "message.send", "id": "' + CLICK + '", "clickedAt": 1e300}',
        '{"type": "message.send", "id": "' + CLICK + '", "tier": "' + "x" * 41 + '"}',
        '{"type": "answer.watch", "generation": "' + CLICK + '", "position": "' + "1" * 42 + '"}',
        '{"type": "answer.watch", "generation": "' + CLICK + '", "seen": {"0.text": [-1, 0]}}',
        '{"type": "answer.watch", "generation": "' + CLICK + '", "seen": {"0.text": [0, 2147483648]}}',
        '{"type": "answer.watch", "generation": "' + CLICK + '", "seen": {"' + "0" * 33 + '": [1, 1]}}',
        '{"type": "answer.watch", "generation": "' + CLICK + '", "seen": ' + MANY_PARTS + "}",
    ],
)
def test_anything_else_is_a_bad_command_with_a_sentence(frame: str | bytes) -> None:
    with pytest.raises(BadCommand, match=r"doesn't understand.* Reload the page") as refusal:
        parse_command(frame)

    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("kind", get_args(protocol.AnyCommand), ids=lambda kind: kind.__struct_config__.tag)
def test_every_number_and_length_of_a_command_has_a_bound(kind: type) -> None:
    assert unbounded(msgspec.inspect.type_info(kind)) == []


def unbounded(kind: msgspec.inspect.Type, at: str = "") -> list[str]:
    """The places in it that take a number or a length without an end."""
    match kind:
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return [at] if kind.ge is None or kind.le is None else []
        case msgspec.inspect.StrType():
            return [at] if kind.max_length is None else []
        case msgspec.inspect.DictType():
            here = [at] if kind.max_length is None else []
            return [*here, *unbounded(kind.key_type, f"{at}.key"), *unbounded(kind.value_type, f"{at}.value")]
        case msgspec.inspect.StructType():
            return [place for field in kind.fields for place in unbounded(field.type, f"{at}.{field.name}")]
        case msgspec.inspect.UnionType():
            return [place for one in kind.types for place in unbounded(one, at)]
    scalars = msgspec.inspect.UUIDType | msgspec.inspect.BoolType | msgspec.inspect.NoneType
    return [] if isinstance(kind, scalars | msgspec.inspect.LiteralType) else [at]


@pytest.mark.parametrize("moment", [1e300, -1e300, float(2**62)])
def test_a_nonsense_clock_is_no_clock(moment: float) -> None:
    assert SendMessage(UUID(CLICK), moment, "x").clicked is None


def test_lengths_are_counted_as_javascript_counts() -> None:
    assert protocol.code_units("a😀é") == 4


def test_events_name_their_type_and_leave_defaults_out() -> None:
    frame = protocol.encode(protocol.Refused("empty", "Write something."))

    assert msgspec.json.decode(frame) == {"type": "error", "code": "empty", "message": "Write something."}
