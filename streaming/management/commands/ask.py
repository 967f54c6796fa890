"""`manage.py ask "question"`: asks in a new conversation, and prints the answer while it is written.

The answer goes to stdout; thinking, notices and figures to stderr. On a terminal, low-confidence passages follow, in
colour. Ctrl-C stops the answer, a second one ends this command. Exit codes: 0 complete, 1 failed, 130 stopped.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from types import FrameType
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError, CommandParser
from redis.exceptions import RedisError

from conversations.models import Conversation, Generation, Message
from conversations.models.catalog.pipeline import Mode
from conversations.models.chat.asking import ConversationError
from conversations.models.generation.generation import Status
from streaming.chat import clicks
from streaming.coordination.answer_queue import QueuePosition, queue_positions_now
from streaming.coordination.redis_clients import open_sync_client
from streaming.log.fold import Folded, HoleInLog
from streaming.log.stream_log import Entry, entries_of, key_of
from streaming.operations.measurements.live import live
from streaming.planning.tiers import current_tiers
from streaming.protocol import SendMessage
from streaming.terminal.answer import Screen, as_json, confidence_lines, stats_of

BLOCK_MS = 250  # of one read; Ctrl-C is noticed between two
SILENCE_S = 2.0  # without a record; then the database is asked whether the answer has ended
UNTAKEN_S = 10.0  # in the queue; then the command checks for live workers
EXIT_STOPPED = 130  # as shells report a command ended by Ctrl-C


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--user", default="", help="whose conversation it will be; default: the first superuser")
        parser.add_argument("--conversation", type=UUID, help="id of one of theirs to ask in; default: a new one")
        parser.add_argument("--mode", choices=Mode.values, default="", help="how thorough; default: the site's")
        parser.add_argument("--model", default="", help="slug of the tier that shall write all of it")
        parser.add_argument("--stages", action="store_true", help="show earlier stages too, and why there are any")
        parser.add_argument("--no-stream", action="store_true", help="have the model server send the answer as a whole")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end instead")

    def handle(self, *args: Any, **options: Any) -> None:
        user = asker(options["user"])
        conversation = conversation_of(user, options["conversation"])
        check_model(options["model"])
        question = SendMessage(uuid4(), text=options["question"], mode=options["mode"], tier=options["model"])
        try:
            change = clicks.take_click(user, conversation, question, streams=not options["no_stream"])
        except ConversationError as error:
            raise CommandError(str(error)) from error
        shows_text = not options["json"]
        screen = Screen(self.stdout, self.stderr, shows_text=shows_text, shows_drafts=shows_text and options["stages"])
        Following(user, change, screen).run()
        generation = Generation.objects.get(pk=change.generation.pk)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(generation, change.url), ensure_ascii=False))
        else:
            in_colour = options["force_color"] or (self.stderr.isatty() and not options["no_color"])
            self._print_stats(screen, generation, change.url, of_all=options["stages"], in_colour=in_colour)
        if generation.status == Status.FAILED:
            raise CommandError(f"{generation.error_sentence} ({generation.error_detail or generation.error_code})")
        if generation.status == Status.STOPPED:
            sys.exit(EXIT_STOPPED)

    def _print_stats(self, screen: Screen, generation: Generation, url: str, *, of_all: bool, in_colour: bool) -> None:
        screen.note(", ".join(stats_of(generation, url)))
        for line in confidence_lines(generation, of_all=of_all, in_colour=in_colour):
            screen.note(line)
        for reason in generation.stage_plan.reasons if of_all and generation.stage_plan else ():
            screen.note(reason)


class Following:
    """Follows one generation's log to its end; if the log fails, the database has the rest."""

    def __init__(self, user: AbstractBaseUser, change: clicks.PathChange, screen: Screen):
        self._user = user
        self._change = change
        self._generation = change.generation
        self._screen = screen
        self._redis = open_sync_client()
        self._folded = Folded()
        self._begun_at = self._last_record_at = time.monotonic()
        self._is_broken = False  # the log has a hole: only the database has the end
        self._is_patient = False  # workers live: one will take it in time
        self._interrupts = 0
        self._is_stopping = False

    def run(self) -> None:
        """Raises CommandError if no worker takes it, KeyboardInterrupt at the second Ctrl-C."""
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            while self._folded.ended is None and not self._has_ended_silently():
                self._take(self._read())
                self._check_workers()
                self._stop_if_interrupted()
        finally:
            signal.signal(signal.SIGINT, before)
            self._redis.close()
        self._show_rest()

    def _read(self) -> list[Entry]:
        """The new entries; waits up to BLOCK_MS if there are none, or while Redis is unavailable."""
        try:
            if not self._is_broken:
                found: Any = self._redis.xread({key_of(self._generation.pk): self._folded.position}, block=BLOCK_MS)
                return entries_of(found[0][1]) if found else []
        except (RedisError, OSError):
            self._redis.close()  # the next read connects again
        time.sleep(BLOCK_MS / 1000)
        return []

    def _take(self, entries: list[Entry]) -> None:
        if not entries:
            return
        try:
            records = self._folded.fold(entries)
        except HoleInLog:
            self._is_broken = True
            return
        self._last_record_at = time.monotonic()
        for record in records:
            self._screen.show(record)

    def _has_ended_silently(self) -> bool:
        """No record arrived for SILENCE_S, and the database has the end."""
        if time.monotonic() - self._last_record_at < SILENCE_S:
            return False
        self._last_record_at = time.monotonic()
        return not Generation.objects.unfinished().filter(pk=self._generation.pk).exists()

    def _show_rest(self) -> None:
        """Show stored text that the log lacked, or the whole answer if another stage became it."""
        stored = Message.objects.with_all().get(pk=self._generation.message_id).text
        shown = self._folded.texts.get(self._screen.shown, "")
        if not stored.startswith(shown):
            self._screen.note("The answer:")
            shown = ""
        self._screen.text(stored[len(shown) :])
        self._screen.end()

    def _check_workers(self) -> None:
        if self._is_patient or self._folded.attempt or time.monotonic() - self._begun_at < UNTAKEN_S:
            return
        now = live()
        kept = f"The question is kept in {self._change.url}, and will be answered."
        if now.redis is None:
            raise CommandError(f"Redis does not answer. {kept}")
        if not now.workers:
            raise CommandError(f"No worker took it within {UNTAKEN_S:g} s: is one running? {kept}")
        self._is_patient = True
        if (position := self._queue_position()) is None:
            return
        if position.is_held:
            owner = self._user.get_username()
            self._screen.note(f"{owner}'s other answers come first, {position.ahead} of them waiting.")
        else:
            ahead = position.ahead
            self._screen.note(f"It waits in the queue, {ahead} ahead: {now.attempts} answers are being written.")

    def _queue_position(self) -> QueuePosition | None:
        """None if it no longer waits, or Redis is unavailable."""
        try:
            return queue_positions_now(self._redis, [self._user.pk]).get(self._generation.pk)
        except (RedisError, OSError):
            return None

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts > 1:
            raise KeyboardInterrupt

    def _stop_if_interrupted(self) -> None:
        if not self._interrupts or self._is_stopping:
            return
        self._is_stopping = True
        self._screen.note("Stopping …")
        self._generation.request_stop()


def conversation_of(user: AbstractBaseUser, pk: UUID | None) -> Conversation | None:
    """None for a new conversation."""
    if pk is None:
        return None
    found = Conversation.objects.visible_to(user).filter(pk=pk).first()
    if found is None:
        raise CommandError(f"{user.get_username()} has no conversation {pk}.")
    return found


def check_model(slug: str) -> None:
    slugs = [tier.slug for tier in current_tiers()]
    if slug and slug not in slugs:
        raise CommandError(f"There is no tier {slug}. There are: {', '.join(slugs)}.")


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
