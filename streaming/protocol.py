"""The chat socket's protocol: commands from the browser, events to it. docs/protocol.md describes it frame by frame.

static/js/protocol.js has the same types; tests/streaming/chat/test_protocol.py compares the two.
A text frame is one JSON object; `type` says which. Lengths of text count UTF-16 code units, as browsers do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from msgspec import Meta

PROTOCOL_VERSION = 1

# Close codes sent by the server. (1012 means the same as 4012, but daphne cannot send it.)
CLOSE_GOING_AWAY = 4012  # this process is shutting down: reconnect at once and resume
CLOSE_NOT_SIGNED_IN = 4401  # sign in again
CLOSE_NOT_FOUND = 4404  # no such conversation for this user
CLOSE_TOO_SLOW = 4408  # nothing was acknowledged for too long: reconnect and resume
CLOSE_TOO_MANY = 4429  # commands, far above what a person clicks: wait before reconnecting

# Bounds of a command's fields. Values within them are still checked against the actual state.
LONGEST_PAINT_MS = 3_600_000  # an hour
LATEST_MS = 8.64e15  # the latest time that a JavaScript Date can represent
LONGEST_SLUG = 40  # of a tier
LONGEST_POSITION = 41  # two numbers of 64 bits
LONGEST_PART_NAME = 32
MOST_PARTS = 64  # of an answer: each stage has two
MOST = 2**31 - 1  # of anything counted: code units, blocks, frames
LONGEST_COMPLAINT = 200  # characters of an error about a frame, which may quote the frame

Count = Annotated[int, Meta(ge=0, le=MOST)]
Slug = Annotated[str, Meta(max_length=LONGEST_SLUG)]

PhaseName = Literal["queued", "starting", "waiting", "thinking", "writing", "resuming", "delayed", "stopping"]
StageName = Literal["waiting", "running", "done", "failed", "timeout", "stopped", "skipped"]
ModeName = Literal["", "auto", "quick", "balanced", "deep"]
PartName = str  # "<stage>.<kind>", such as "0.text" or "0.thinking"


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Browser to server."""


class Click(Command, frozen=True):
    """A command that asks for an answer. The browser makes ``id``: sent again, it returns the same generation."""

    id: UUID
    # ms since 1970, by the browser's clock
    clicked_at: Annotated[float, Meta(ge=-LATEST_MS, le=LATEST_MS)] | None = msgspec.field(
        default=None, name="clickedAt"
    )

    @property
    def clicked(self) -> datetime | None:
        """None if the browser sent no time, or an impossible one."""
        try:
            return None if self.clicked_at is None else datetime.fromtimestamp(self.clicked_at / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None


class SendMessage(Click, frozen=True, tag="message.send"):
    # Bounded by the frame only: a question that is too long gets a proper refusal.
    text: Annotated[str, Meta(max_length=settings.FRAME_MAX_BYTES)] = ""
    edits: UUID | None = None  # the question of which this is another version
    mode: ModeName = ""  # empty: the site's default
    tier: Slug = ""  # writes the whole answer; empty: the router chooses


class Regenerate(Click, frozen=True, kw_only=True, tag="answer.regenerate"):
    message: UUID
    mode: ModeName = ""
    tier: Slug = ""
    fresh: bool = False  # without the cache


class Continue(Click, frozen=True, kw_only=True, tag="answer.continue"):
    message: UUID


class Retry(Click, frozen=True, kw_only=True, tag="answer.retry"):
    message: UUID
    mode: ModeName = ""
    tier: Slug = ""


class Stop(Command, frozen=True, tag="answer.stop"):
    generation: UUID


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What a page has of a part: its text's length and the number of finished blocks."""

    length: Count
    blocks: Count


class Watch(Command, frozen=True, tag="answer.watch"):
    """Asks for what the page misses of this answer, then for what follows."""

    generation: UUID
    # Of the last event that the page has; empty: none.
    position: Annotated[str, Meta(max_length=LONGEST_POSITION)] = ""
    seen: Annotated[
        dict[Annotated[PartName, Meta(max_length=LONGEST_PART_NAME)], Seen], Meta(max_length=MOST_PARTS)
    ] = {}


class Painted(Command, frozen=True, tag="answer.painted"):
    """The tab that asked has shown the answer's first text. No reply; only the first report counts."""

    generation: UUID
    after_ms: Annotated[int, Meta(ge=0, le=LONGEST_PAINT_MS)] = msgspec.field(name="afterMs")  # since the click


class Acknowledge(Command, frozen=True, tag="ack"):
    frames: Count  # received by the page on this socket so far


class Ping(Command, frozen=True, tag="ping"):
    """Answered by Pong; without one, the page reconnects."""


AnyCommand = SendMessage | Regenerate | Continue | Retry | Stop | Watch | Painted | Acknowledge | Ping


class Event(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Server to browser."""


class Hello(Event, frozen=True, tag="hello"):
    """The first frame of a socket."""

    protocol: int
    conversation: UUID | None
    unfinished: list[UUID] = []  # generations that the page should watch
    leaf: UUID | None = None  # last message of the shown path: a page without it is outdated, and fetches the path
    latest: UUID | None = None  # the generation accepted last: likewise
    title: str = ""


class Pong(Event, frozen=True, tag="pong"):
    pass


class Refused(Event, frozen=True, tag="error"):
    """A command was refused; nothing has changed."""

    code: str
    message: str  # a sentence for the user
    request: UUID | None = None  # the click's id or the command's generation, if it had one


class MessageView(msgspec.Struct, frozen=True):
    id: UUID
    role: str
    html: str  # templates/chat/message/_message.html


class PathChanged(Event, frozen=True, tag="path.changed"):
    """Below ``parent`` (None: from the top) the shown path now has exactly these messages."""

    conversation: UUID
    url: str
    title: str
    parent: UUID | None
    messages: list[MessageView]
    generation: UUID
    request: UUID  # the click's id: the tab that sent it finds its pending message by it


class PathSwitched(Event, frozen=True, tag="path.switched"):
    """Another version of a message was chosen, perhaps in another tab: the page fetches the path."""

    conversation: UUID


class ConversationTitled(Event, frozen=True, tag="conversation.titled"):
    conversation: UUID
    title: str


class ConversationDeleted(Event, frozen=True, tag="conversation.deleted"):
    """Deleted from anywhere: another tab or device, or the API. The page asks nothing more in it."""

    conversation: UUID
    undo: bool = True  # False: erased, cannot be restored


class ConversationRestored(Event, frozen=True, tag="conversation.restored"):
    """The page fetches the path again."""

    conversation: UUID


class SidebarChanged(Event, frozen=True, tag="sidebar.changed"):
    """The user's list of conversations changed; the page fetches it."""


class Phase(Event, frozen=True, tag="answer.phase"):
    generation: UUID
    position: str
    phase: PhaseName
    model: str = ""
    attempt: int = 1
    ahead: int | None = None  # while queued or waiting: how many come before; omitted if unknown
    reading: int = 0  # while waiting: approximate tokens that the model server is reading
    expected_tokens: int = msgspec.field(default=0, name="expectedTokens")  # of the whole answer
    expected_s: float = msgspec.field(default=0.0, name="expectedSeconds")  # from acceptance to the last token
    held: bool = False  # while queued: the user is at the limit; ``ahead`` counts only the user's own answers


class TextDelta(Event, frozen=True, tag="text.delta"):
    """More text of a part, at the offset ``at``. Every character of an answer is sent once, in order."""

    generation: UUID
    position: str
    part: PartName
    at: int
    text: str
    tokens: int  # of the answer so far, as counted while streaming


class BlocksDone(Event, frozen=True, tag="blocks.done"):
    """Finished blocks, which never change; these and the earlier ones cover the text before ``upto``."""

    generation: UUID
    part: PartName
    first: int  # index of the first one in ``html``
    html: list[str]
    upto: int


class TailRendered(Event, frozen=True, tag="tail.rendered"):
    """The tail of a part as HTML: the text from the last finished block up to ``upto``."""

    generation: UUID
    part: PartName
    html: str
    upto: int


class PartRestarted(Event, frozen=True, tag="part.restarted"):
    """The part is restarted: the page drops its text."""

    generation: UUID
    position: str
    part: PartName


class Notice(Event, frozen=True, tag="answer.notice"):
    generation: UUID
    message: str


class Stage(Event, frozen=True, tag="answer.stage"):
    """The state of a stage; only in answers with several stages. Part names begin with the stage's number."""

    generation: UUID
    position: str
    stage: int
    label: str
    status: StageName


class AnswerFinished(Event, frozen=True, tag="answer.finished"):
    """The only terminal event. The database already has the end."""

    generation: UUID
    position: str
    status: Literal["done", "stopped", "failed"]
    html: dict[PartName, dict[str, str]] = {}  # final blocks that differ from the page's, by index; "" removes one
    footer: str = ""  # templates/chat/message/_answer_footer.html: actions and figures
    error_code: str = msgspec.field(default="", name="errorCode")
    error: str = ""  # a sentence that says what to do


class Resync(Event, frozen=True, tag="answer.resync"):
    """The log has a hole or no longer exists: the page fetches the message from ``url`` and shows that instead."""

    generation: UUID
    url: str


AnyEvent = (
    Hello
    | Pong
    | Refused
    | PathChanged
    | PathSwitched
    | ConversationTitled
    | ConversationDeleted
    | ConversationRestored
    | SidebarChanged
    | Phase
    | TextDelta
    | BlocksDone
    | TailRendered
    | PartRestarted
    | Notice
    | Stage
    | AnswerFinished
    | Resync
)


def plain(text: object) -> str:
    """Django's templates return a subclass of str, which the encoder does not accept."""
    return str.__str__(text) if isinstance(text, str) else repr(text)


encode = msgspec.json.Encoder(enc_hook=plain).encode


def padded(frame: bytes, multiple: int) -> bytes:
    """Pad with blanks, which JSON allows, so that an eavesdropper cannot infer words from lengths. 0: no padding."""
    return frame + b" " * (-len(frame) % multiple) if multiple else frame


_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)  # raised by decoders for malformed input


class BadCommand(Exception):
    """A frame that is not a valid command; ``str()`` is a sentence that says why."""


def parse_command(frame: str | bytes) -> AnyCommand:
    """Raises BadCommand for malformed JSON, unknown types, missing, unknown or mistyped fields, values out of bounds,
    and deep nesting."""
    try:
        return _decoder.decode(frame)
    except UNREADABLE as error:
        complaint = shortened(str(error))
        raise BadCommand(
            f"The page sent something that the server doesn't understand: {complaint}. Reload the page and try again."
        ) from error


def shortened(complaint: str) -> str:
    """A complaint can quote a whole frame."""
    return complaint if len(complaint) <= LONGEST_COMPLAINT else f"{complaint[:LONGEST_COMPLAINT]}…"


def units_from(text: str, start: int) -> str:
    """The text from an offset in UTF-16 code units on."""
    if text.isascii():
        return text[start:]
    return text.encode("utf-16-le", "surrogatepass")[start * 2 :].decode("utf-16-le", "replace")


def code_units(text: str) -> int:
    """Length of the text in UTF-16 code units, as JavaScript counts."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)
