"""`manage.py ask "question"`: asks in a new conversation, and prints the answer while it is written.

The answer goes to stdout; thinking, notices and figures to stderr. Ctrl-C stops the answer, a second one this command.
The exit code is 0 if the answer is complete, 1 if it failed, 130 if it was stopped.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from redis.exceptions import RedisError

from conversations.models import Generation
from conversations.models.asking import ConversationError
from conversations.models.generation import Status
from conversations.models.message import ANSWER, PartKind
from streaming import turns
from streaming.control import STOP_CHANNEL
from streaming.log.records import AnyRecord, Claimed, Folded, HoleInLog, Noticed, Restarted, Text
from streaming.log.stream_log import BEGINNING, Entry, entries_of, key_of
from streaming.ops.live import live, redis_client
from streaming.protocol import SendMessage

BLOCK_MS = 250  # of one read; Ctrl-C is seen between two
SILENCE_S = 2.0  # without a record; then the database is asked whether the answer has ended
UNTAKEN_S = 10.0  # then somebody should look at the workers
EXIT_STOPPED = 130  # as shells say of what Ctrl-C ended
DIM, PLAIN = "\033[2m", "\033[0m"


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--user", default="", help="whose conversation it will be; default: the first superuser")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end instead")

    def handle(self, *args: Any, **options: Any) -> None:
        user = asker(options["user"])
        try:
            turn = turns.take(user, None, SendMessage(uuid4(), text=options["question"]))
        except ConversationError as error:
            raise CommandError(str(error)) from error
        screen = Screen(self.stdout, self.stderr, shows_text=not options["json"])
        Following(user, turn, screen).run()
        generation = Generation.objects.get(pk=turn.generation.pk)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(generation, turn.url), ensure_ascii=False))
        else:
            screen.note(", ".join(figures_of(generation, turn.url)))
        if generation.status == Status.FAILED:
            raise CommandError(f"{generation.error_sentence} ({generation.error_detail or generation.error_code})")
        if generation.status == Status.STOPPED:
            sys.exit(EXIT_STOPPED)


class Following:
    """Reads one generation's log to its end; where the log fails, the database has the rest."""

    def __init__(self, user: AbstractBaseUser, turn: turns.Turn, screen: Screen):
        self._user = user
        self._turn = turn
        self._generation = turn.generation
        self._screen = screen
        self._redis = redis_client()
        self._position = BEGINNING
        self._folded = Folded()
        self._begun_at = self._heard_at = time.monotonic()
        self._is_broken = False  # the log has a hole: the database alone tells the end
        self._is_patient = False  # a worker will take it in time
        self._interrupts = 0
        self._is_stopping = False

    def run(self) -> None:
        """Raises CommandError if nobody takes it, KeyboardInterrupt at the second Ctrl-C."""
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            while self._folded.ended is None and not self._has_ended_silently():
                self._take(self._read())
                self._check_workers()
                self._stop_if_wanted()
        finally:
            signal.signal(signal.SIGINT, before)
            self._redis.close()
        self._show_rest()

    def _read(self) -> list[Entry]:
        """What is new; waits for a moment if there is nothing, or while Redis is away."""
        try:
            if not self._is_broken:
                found: Any = self._redis.xread({key_of(self._generation.pk): self._position}, block=BLOCK_MS)
                return entries_of(found[0][1]) if found else []
        except (RedisError, OSError):
            self._redis.close()  # the next read connects again
        time.sleep(BLOCK_MS / 1000)
        return []

    def _take(self, entries: list[Entry]) -> None:
        if not entries:
            return
        try:
            self._folded.fold(record for _, record in entries)
        except HoleInLog:
            self._is_broken = True
            return
        self._position = entries[-1][0]
        self._heard_at = time.monotonic()
        for _, record in entries:
            self._screen.show(record)

    def _has_ended_silently(self) -> bool:
        """Nothing came for a while, and the database has its end."""
        if time.monotonic() - self._heard_at < SILENCE_S:
            return False
        self._heard_at = time.monotonic()
        return not Generation.objects.unfinished().filter(pk=self._generation.pk).exists()

    def _show_rest(self) -> None:
        """What the database has and the log did not tell."""
        stored = self._generation.message.texts().get(ANSWER, "")
        shown = self._folded.texts.get(ANSWER, "")
        if not stored.startswith(shown):
            self._screen.note("The answer was written anew:")
            shown = ""
        self._screen.text(stored[len(shown) :])
        self._screen.end()

    def _check_workers(self) -> None:
        if self._is_patient or self._folded.attempt or time.monotonic() - self._begun_at < UNTAKEN_S:
            return
        now = live()
        kept = f"The question is kept in {self._turn.url}, and will be answered."
        if now.redis is None:
            raise CommandError(f"Redis does not answer. {kept}")
        if not now.workers:
            raise CommandError(f"No worker took it within {UNTAKEN_S:g} s: is one running? {kept}")
        self._is_patient = True
        self._screen.note(f"It waits in the queue: {now.attempts} answers are being written.")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def _stop_if_wanted(self) -> None:
        if not self._interrupts or self._is_stopping:
            return
        self._is_stopping = True
        self._screen.note("Stopping …")
        if turns.stop(self._user, self._generation.pk):
            with suppress(RedisError, OSError):  # the worker finds it in the database too
                self._redis.publish(STOP_CHANNEL, str(self._generation.pk))


class Screen:
    """The answer on one stream, everything else on the other; on a terminal, each begins a line of its own."""

    def __init__(self, out: OutputWrapper, err: OutputWrapper, *, shows_text: bool):
        self._out, self._err = out, err
        self._shows_text = shows_text
        self._open: OutputWrapper | None = None  # whose last line has not ended

    def show(self, record: AnyRecord) -> None:
        match record:
            case Text(kind=PartKind.TEXT, text=text):
                self.text(text)
            case Text(text=text) if self._shows_text:
                self._write(self._err, text)
            case Restarted(kind=PartKind.TEXT):
                self.note("The answer is written anew:")
            case Noticed(message=message):
                self.note(message)
            case Claimed(attempt=attempt) if attempt > 1:
                self.note("Another worker goes on.")

    def text(self, text: str) -> None:
        if self._shows_text and text:
            self._write(self._out, text)

    def note(self, sentence: str) -> None:
        if self._open is self._err:
            self._write(self._err, "\n")
        self._write(self._err, f"{sentence}\n")
        self._open = self._open if self._open is self._out else None

    def end(self) -> None:
        """End the open line."""
        if self._open is not None:
            self._write(self._open, "\n")
        self._open = None

    def _write(self, stream: OutputWrapper, text: str) -> None:
        """Somebody who keeps the answer in a file gets no line's end that is not the answer's."""
        if self._open not in (None, stream) and self._open is not None and self._open.isatty():
            self._open.write("\n", ending="")
        dim = stream is self._err and stream.isatty()
        stream.write(f"{DIM}{text}{PLAIN}" if dim else text, style_func=str, ending="")
        stream.flush()
        self._open = stream


def asker(name: str) -> AbstractBaseUser:
    users = get_user_model().objects.filter(is_active=True).order_by("pk")
    if name:
        found = users.filter(username=name).first()
        reason = f"There is no active user named {name}."
    else:
        found = users.filter(is_superuser=True).first()
        reason = "There is no superuser: name somebody with --user, or make one with manage.py createsuperuser."
    if found is None:
        raise CommandError(reason)
    return found


def figures_of(generation: Generation, url: str) -> list[str]:
    """In words; those that are known."""
    first, whole, rate = generation.time_to_first_token, generation.duration, generation.tokens_per_second
    figures = [
        generation.status,
        generation.model and f"{generation.model} on {generation.server}",
        generation.completion_tokens is not None and f"{generation.completion_tokens} tokens",
        rate and f"{rate:.1f} tokens/s",
        first and f"{first.total_seconds():.2f} s to the first token",
        whole and f"{whole.total_seconds():.2f} s in all",
        generation.attempt > 1 and f"{generation.attempt} attempts",
        url,
    ]
    return [figure for figure in figures if figure]


def as_json(generation: Generation, url: str) -> dict[str, Any]:
    first, whole = generation.time_to_first_token, generation.duration
    return {
        "url": url,
        "generation": str(generation.pk),
        "status": generation.status,
        "error": generation.error_code,
        "text": generation.message.text,
        "thinking": generation.message.thinking,
        "model": generation.model,
        "server": generation.server,
        "attempt": generation.attempt,
        "prompt_tokens": generation.prompt_tokens,
        "completion_tokens": generation.completion_tokens,
        "tokens_per_second": generation.tokens_per_second,
        "seconds_to_first_token": first and first.total_seconds(),
        "seconds": whole and whole.total_seconds(),
    }
