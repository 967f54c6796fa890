"""The chat socket's language: commands of the browser, events for it. docs/protocol.md tells it frame by frame.

static/js/protocol.js names the same types; tests/streaming/chat/test_protocol.py holds the two equal.
A frame is one JSON object in a text frame; `type` tells which. Lengths of text count UTF-16 code units, as browsers do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from django.conf import settings
from msgspec import Meta

PROTOCOL_VERSION = 1

# Codes with which the server closes a socket. (1012 would say the same as 4012, but daphne cannot send it.)
CLOSE_GOING_AWAY = 4012  # this process ends: come back at once, and resume
CLOSE_NOT_SIGNED_IN = 4401  # sign in again
CLOSE_NOT_FOUND = 4404  # no such conversation for this user
CLOSE_TOO_SLOW = 4408  # nothing was acknowledged for too long; come back and resume
CLOSE_TOO_MANY = 4429  # commands, far above what a person clicks; wait before coming back

# What a command's fields may be. Whatever it claims within these is compared with what is there before it counts.
LONGEST_PAINT_MS = 3_600_000  # an hour
LATEST_MS = 8.64e15  # the last moment that a browser's clock can tell
LONGEST_SLUG = 40  # of a tier
LONGEST_POSITION = 41  # two numbers of 64 bits
LONGEST_PART_NAME = 32
MOST_PARTS = 64  # of an answer: each stage has two
MOST = 2**31 - 1  # of whatever is counted: code units, blocks, frames
LONGEST_COMPLAINT = 200  # about a frame, of which it quotes a piece

Count = Annotated[int, Meta(ge=0, le=MOST)]
Slug = Annotated[str, Meta(max_length=LONGEST_SLUG)]

PhaseName = Literal["queued", "starting", "waiting", "thinking", "writing", "resuming", "delayed", "stopping"]
StageName = Literal["waiting", "running", "done", "failed", "timeout", "stopped", "skipped"]
ModeName = Literal["", "auto", "quick", "balanced", "deep"]
PartName = str  # "<stage>.<kind>", such as "0.text" or "0.thinking"


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Browser to server."""


class Click(Command, frozen=True):
    """A command that wants an answer. ``id`` is made by the browser: sent again, it returns the same generation."""

    id: UUID
    # ms since 1970, by the browser's clock
    clicked_at: Annotated[float, Meta(ge=-LATEST_MS, le=LATEST_MS)] | None = msgspec.field(
        default=None, name="clickedAt"
    )

    @property
    def clicked(self) -> datetime | None:
        """None if the browser did not say, or said nonsense."""
        try:
            return None if self.clicked_at is None else datetime.fromtimestamp(self.clicked_at / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None


class SendMessage(Click, frozen=True, tag="message.send"):
    text: Annotated[str, Meta(max_length=settings.FRAME_MAX_BYTES)] = ""  # what is too long for a question is told so
    edits: UUID | None = None  # the question that this one stands beside
    mode: ModeName = ""  # how thorough; empty: the site's default
    tier: Slug = ""  # slug of the one that shall write all of it; empty: whichever is right


class Regenerate(Click, frozen=True, kw_only=True, tag="answer.regenerate"):
    message: UUID
    mode: ModeName = ""
    tier: Slug = ""
    fresh: bool = False  # from the model, whatever is in the cache


class Continue(Click, frozen=True, kw_only=True, tag="answer.continue"):
    message: UUID


class Retry(Click, frozen=True, kw_only=True, tag="answer.retry"):
    message: UUID
    mode: ModeName = ""
    tier: Slug = ""


class Stop(Command, frozen=True, tag="answer.stop"):
    generation: UUID


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What a page has of a part: code units of its text, and finished blocks."""

    length: Count
    blocks: Count


class Watch(Command, frozen=True, tag="answer.watch"):
    """Send me this answer: what I lack of it, then what comes."""

    generation: UUID
    # Of the last event that the page has; empty: it has nothing.
    position: Annotated[str, Meta(max_length=LONGEST_POSITION)] = ""
    seen: Annotated[
        dict[Annotated[PartName, Meta(max_length=LONGEST_PART_NAME)], Seen], Meta(max_length=MOST_PARTS)
    ] = {}


class Painted(Command, frozen=True, tag="answer.painted"):
    """The tab that asked shows the first text of the answer. Never answered; only the first report counts."""

    generation: UUID
    after_ms: Annotated[int, Meta(ge=0, le=LONGEST_PAINT_MS)] = msgspec.field(name="afterMs")  # since the click


class Acknowledge(Command, frozen=True, tag="ack"):
    frames: Count  # how many the page has had on this socket


class Ping(Command, frozen=True, tag="ping"):
    """Answered by Pong; a page that hears nothing reconnects."""


AnyCommand = SendMessage | Regenerate | Continue | Retry | Stop | Watch | Painted | Acknowledge | Ping


class Event(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Server to browser."""


class Hello(Event, frozen=True, tag="hello"):
    """The first frame of a socket."""

    protocol: int
    conversation: UUID | None
    unfinished: list[UUID] = []  # generations that the page should watch
    leaf: UUID | None = None  # the last message of the shown path: a page without it is behind, and fetches the path
    latest: UUID | None = None  # the generation that was asked for last: likewise
    title: str = ""


class Pong(Event, frozen=True, tag="pong"):
    pass


class Refused(Event, frozen=True, tag="error"):
    """A command that was not carried out; nothing has changed."""

    code: str
    message: str  # a sentence for the user
    request: UUID | None = None  # the click's id, or the generation, where there was one


class MessageView(msgspec.Struct, frozen=True):
    id: UUID
    role: str
    html: str  # templates/chat/message/_message.html


class PathChanged(Event, frozen=True, tag="path.changed"):
    """Below ``parent`` (from the top if None) the shown path now has these messages and no others."""

    conversation: UUID
    url: str
    title: str
    parent: UUID | None
    messages: list[MessageView]
    generation: UUID
    request: UUID  # the click's id: the tab that sent it finds its pending message by it


class PathSwitched(Event, frozen=True, tag="path.switched"):
    """In another tab perhaps, another version of a message is shown: the page fetches the path."""

    conversation: UUID


class ConversationTitled(Event, frozen=True, tag="conversation.titled"):
    conversation: UUID
    title: str


class ConversationDeleted(Event, frozen=True, tag="conversation.deleted"):
    """In another tab, on another device, by a program. Nothing more is asked in it."""

    conversation: UUID
    undo: bool = True  # False: it was erased for good


class ConversationRestored(Event, frozen=True, tag="conversation.restored"):
    """The page fetches its path again."""

    conversation: UUID


class SidebarChanged(Event, frozen=True, tag="sidebar.changed"):
    """Something in the user's list is new; the page fetches it."""


class Phase(Event, frozen=True, tag="answer.phase"):
    generation: UUID
    position: str
    phase: PhaseName
    model: str = ""
    attempt: int = 1
    ahead: int | None = None  # while queued or waiting: how many come before; left out if that is not known
    reading: int = 0  # while waiting: tokens, about, that the model server reads now
    expected_tokens: int = msgspec.field(default=0, name="expectedTokens")  # of the whole answer
    expected_s: float = msgspec.field(default=0.0, name="expectedSeconds")  # from accepted to the last token
    held: bool = False  # while queued: the user's own other answers come first; those ahead are theirs


class TextDelta(Event, frozen=True, tag="text.delta"):
    """More text of a part. Every character of an answer is sent once, in order; ``at`` is where this one goes."""

    generation: UUID
    position: str
    part: PartName
    at: int
    text: str
    tokens: int  # of the answer so far, as counted while streaming


class BlocksDone(Event, frozen=True, tag="blocks.done"):
    """Blocks that will not change any more; the text before ``upto`` is in them and in the earlier ones."""

    generation: UUID
    part: PartName
    first: int  # index of the first of them
    html: list[str]
    upto: int


class TailRendered(Event, frozen=True, tag="tail.rendered"):
    """The unfinished end of a part as HTML: the text from the last finished block up to ``upto``."""

    generation: UUID
    part: PartName
    html: str
    upto: int


class PartRestarted(Event, frozen=True, tag="part.restarted"):
    """Drop the text of this part: it is restarted."""

    generation: UUID
    position: str
    part: PartName


class Notice(Event, frozen=True, tag="answer.notice"):
    generation: UUID
    message: str


class Stage(Event, frozen=True, tag="answer.stage"):
    """Where a stage stands; only of answers that have several. Parts are named by the stage's number."""

    generation: UUID
    position: str
    stage: int
    label: str
    status: StageName


class AnswerFinished(Event, frozen=True, tag="answer.finished"):
    """The only terminal event. What it says is in the database already."""

    generation: UUID
    position: str
    status: Literal["done", "stopped", "failed"]
    html: dict[PartName, dict[str, str]] = {}  # finished blocks that differ in the whole, by index; "" removes
    footer: str = ""  # templates/chat/message/_answer_footer.html: actions and figures
    error_code: str = msgspec.field(default="", name="errorCode")
    error: str = ""  # a sentence that says what to do


class Resync(Event, frozen=True, tag="answer.resync"):
    """The log has a hole, or has gone: fetch the message from ``url`` and show that instead."""

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
    """Django's templates give a subclass of str, which the encoder does not take."""
    return str.__str__(text) if isinstance(text, str) else repr(text)


encode = msgspec.json.Encoder(enc_hook=plain).encode


def padded(frame: bytes, multiple: int) -> bytes:
    """With blanks, which JSON lets through: then a listener on the line can tell no word by its length. 0: as it is."""
    return frame + b" " * (-len(frame) % multiple) if multiple else frame


_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeError)  # what decoders raise for what is no JSON of ours


class BadCommand(Exception):
    """A frame that is no command; ``str()`` is a sentence that names what is wrong."""


def parse_command(frame: str | bytes) -> AnyCommand:
    """Raises BadCommand for malformed JSON, unknown types, missing, unknown or mistyped fields, what is out of
    bounds, deep nesting."""
    try:
        return _decoder.decode(frame)
    except UNREADABLE as error:
        complaint = shortened(str(error))
        raise BadCommand(
            f"The page sent something that the server doesn't understand: {complaint}. Reload the page and try again."
        ) from error


def shortened(complaint: str) -> str:
    """It can quote as much as a frame holds."""
    return complaint if len(complaint) <= LONGEST_COMPLAINT else f"{complaint[:LONGEST_COMPLAINT]}…"


def units_from(text: str, start: int) -> str:
    """What follows so many UTF-16 code units."""
    if text.isascii():
        return text[start:]
    return text.encode("utf-16-le", "surrogatepass")[start * 2 :].decode("utf-16-le", "replace")


def code_units(text: str) -> int:
    """Length of the text in UTF-16 code units, as JavaScript counts."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)
