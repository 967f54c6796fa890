"""A conversation: one user's tree of messages, with one path shown."""

from __future__ import annotations

import math
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from conversations import events, site_time
from conversations.events import Change, ConversationsChanged
from conversations.models.generation.generation import UNFINISHED, Generation, Status

from . import titles
from .asking import (
    AnswerPending,
    Deleted,
    EmptyTitle,
    NotContinuable,
    NotRetryable,
    Request,
    UnknownMessage,
    can_be_seen,
    check_length,
    storable,
)
from .folding import fold
from .message import Message, Part, PartKind, Role, latest_leaf, mark_siblings, path_to

if TYPE_CHECKING:
    from django.contrib.auth.models import User

UNTITLED = "New chat"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
SEARCHED_WORDS = 20  # per search; SQLite refuses expressions that are too deep
# Few, since SQLite has one writer at a time, and answers are being saved.
PURGED_AT_ONCE = 20  # conversations


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The user's own conversations, without deleted ones. Users' pages and sockets must read through this only."""
        return self.owned_by(user).filter(deleted_at=None)

    def owned_by(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Includes deleted ones, for undo."""
        return self.filter(owner_id=user.pk) if user.is_authenticated else self.none()

    def for_sidebar(self) -> Self:
        """Pinned ones first, then by latest use; annotated with ``is_being_written``."""
        being_written = Generation.objects.unfinished().filter(message__conversation=models.OuterRef("pk"))
        ordered = self.order_by(models.F("pinned_at").desc(nulls_last=True), "-used_at")
        return ordered.annotate(is_being_written=models.Exists(being_written))

    def search(self, text: str) -> Self:
        """Conversations with every word of ``text`` in the title or a message, regardless of case and Unicode form.

        Scans only the SEARCHED_CONVERSATIONS used latest, so that words without a match don't keep the database busy
        for seconds.
        """
        words = fold(text).split()[:SEARCHED_WORDS]
        most = settings.SEARCHED_CONVERSATIONS
        beyond = models.Subquery(self.order_by("-used_at").values("used_at")[most : most + 1])
        found = self.filter(used_at__gt=Coalesce(beyond, models.Value(NEVER))) if words else self.none()
        for number, word in enumerate(words):
            texts = Part.objects.filter(message__conversation=models.OuterRef("pk"), kind=PartKind.TEXT)
            # Not Exists: PostgreSQL would scan the texts of the whole site, and join the matches.
            hit = {f"hit_{number}": models.Subquery(texts.filter(contains("text", word)).order_by().values("pk")[:1])}
            found = found.alias(**hit).filter(contains("title", word) | models.Q((f"hit_{number}__isnull", False)))
        return found

    def deleted_before(self, moment: datetime) -> Self:
        return self.filter(deleted_at__lt=moment)

    def delete_softly(self) -> int:
        """Hide them for ``DELETED_KEPT_DAYS``, stop their unfinished answers, and return how many were hidden."""
        moment = site_time.now()
        owners = set(self.order_by().values_list("owner", flat=True))
        rows = self.update(deleted_at=moment)
        for owner in owners:
            ids = Conversation.objects.filter(owner=owner, deleted_at=moment).values_list("pk", flat=True)
            events.publish(ConversationsChanged(Change.DELETED, owner, tuple(ids)))
        # Read after hiding them: no new question can be asked now, so no generation is missed.
        unfinished = Generation.objects.unfinished().filter(message__conversation__deleted_at=moment)
        for generation in unfinished.select_related("message__conversation"):
            generation.request_stop()
        return rows

    def purge(self, until: float = math.inf) -> int:
        """Delete for good, in short transactions, and return the number deleted. Stops at ``until``, a monotonic time.

        Pauses after each transaction for as long as it took: writers that wait for SQLite's lock only poll for it.
        """
        purged = 0
        while ids := list(self.order_by().values_list("pk", flat=True)[:PURGED_AT_ONCE]):
            begun = time.monotonic()
            if begun >= until:
                break
            # Applies the queryset's filter again: one of them may have been restored.
            self.filter(pk__in=ids).delete()
            purged += len(ids)
            if len(ids) == PURGED_AT_ONCE:
                time.sleep(time.monotonic() - begun)
        return purged


def contains(field: str, word: str) -> models.Q:
    """Match the field's search text, or the field itself if there is no search text yet."""
    by_itself = models.Q((f"search_{field}", None), (f"{field}__icontains", word))
    return models.Q((f"search_{field}__contains", word)) | by_itself


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    title = models.CharField(max_length=titles.LENGTH, default=UNTITLED)
    search_title = models.TextField(null=True, editable=False, help_text="Normalised for searches.")  # noqa: DJ001 - as Part's
    titled_by_hand = models.BooleanField(default=False, help_text="The model no longer changes the title.")
    leaf = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="End of the shown path."
    )
    pinned_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Hidden, and kept for a while for undo.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["owner", "deleted_at", "-used_at"], name="conversation_sidebar"),)
        permissions = (
            ("review_conversation", "Can read and review everyone's conversations"),
            ("watch_operations", "Can see the operators' pages"),
            ("steer_operations", "Can stop anyone's answers and drain model servers"),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/c/{self.pk}/"

    # Owner's actions. Those that ask for an answer lock the conversation, so that two tabs cannot ask at once, and they
    # raise Deleted if another tab has deleted it.

    @classmethod
    def begin(cls, owner: AbstractBaseUser, text: str, request: Request) -> Generation:
        """Create a conversation with its first question. A repeated click gets the conversation of the first one."""
        check_length(text)
        with transaction.atomic():
            conversation, is_new = cls.objects.get_or_create(id=request.client_id, defaults={"owner_id": owner.pk})
            if conversation.owner_id != owner.pk:  # another user's click had this id
                conversation, is_new = cls.objects.create(owner_id=owner.pk), True
            return conversation._queue_question(None, text, request) if is_new else conversation.ask(text, request)

    @transaction.atomic
    def ask(self, text: str, request: Request, *, edits: uuid.UUID | None = None) -> Generation:
        """Store a question and queue its answer, atomically: at the path's end, or beside the question ``edits``.

        A repeated click gets the first one's generation. Raises EmptyText, TextTooLong, AnswerPending, UnknownMessage.
        """
        check_length(text)
        if earlier := self._begin_click(request):
            return earlier
        parent_id = self._message(edits, Role.USER).parent_id if edits else self.leaf_id
        return self._queue_question(parent_id, text, request)

    @transaction.atomic
    def regenerate(self, answer_id: uuid.UUID, request: Request) -> Generation:
        """Queue another answer beside this one, which stays in the tree. Raises AnswerPending, UnknownMessage."""
        if earlier := self._begin_click(request):
            return earlier
        return self._queue_beside(self._message(answer_id, Role.ASSISTANT), request)

    @transaction.atomic
    def continue_answer(self, answer_id: uuid.UUID, request: Request) -> Generation:
        """Queue a generation that continues the text. Raises AnswerPending, UnknownMessage, NotContinuable."""
        if earlier := self._begin_click(request):
            return earlier
        answer = self._message(answer_id, Role.ASSISTANT)
        last = answer.generation
        if last is None or not last.can_be_continued or not any(answer.texts().values()):
            raise NotContinuable
        return self._queue(answer, request, going_on_from=last)

    @transaction.atomic
    def retry(self, answer_id: uuid.UUID, request: Request) -> Generation:
        """Make a failed answer again from its beginning: in its place if it has no text, else beside it.

        Raises AnswerPending, UnknownMessage, NotRetryable.
        """
        if earlier := self._begin_click(request):
            return earlier
        answer = self._message(answer_id, Role.ASSISTANT)
        if answer.generation is None or answer.generation.status != Status.FAILED:
            raise NotRetryable
        if answer.parts.exclude(text="").exists():
            return self._queue_beside(answer, request)
        return self._queue(answer, request)

    @transaction.atomic
    def show_path_through(self, message_id: uuid.UUID) -> None:
        """Show the path through this message, down to its latest leaf. Raises UnknownMessage."""
        leaf = latest_leaf(str(message_id), list(self.messages.all()))
        if leaf is None:
            raise UnknownMessage
        self._update(leaf=leaf)
        self._announce(Change.SWITCHED)

    def rename(self, title: str) -> None:
        """Raises EmptyTitle or TextTooLong."""
        title = titles.one_line(title)
        if not can_be_seen(title):
            raise EmptyTitle
        check_length(title, titles.LENGTH)
        self._update(title=title, search_title=fold(title), titled_by_hand=True)
        self._announce(Change.TITLED, title=title)

    def entitle(self, title: str) -> bool:
        """Set the title that a model wrote; return False if the owner has set one, or nothing in it is visible."""
        title = titles.fitting(titles.one_line(title))
        untouched = Conversation.objects.filter(pk=self.pk, titled_by_hand=False)
        if not can_be_seen(title) or not untouched.update(title=title, search_title=fold(title)):
            return False
        self._announce(Change.TITLED, title=title)
        return True

    def pin(self, pinned: bool) -> None:
        self._update(pinned_at=site_time.now() if pinned else None)
        self._announce(Change.PINNED)

    def delete_softly(self) -> None:
        """Hide it for ``DELETED_KEPT_DAYS``, and stop its unfinished answers."""
        Conversation.objects.filter(pk=self.pk).delete_softly()

    def restore(self) -> None:
        self._update(deleted_at=None)
        self._announce(Change.RESTORED)

    # Reviewers' actions

    def review(self, reviewer: User, note: str) -> None:
        """Add a review; the latest one counts. Raises TextTooLong."""
        note = note if can_be_seen(note) else ""
        if note:
            check_length(note)
        self.reviews.create(reviewer=reviewer, note=storable(note))

    # Reading

    def path(self, through: str | None = None) -> list[Message]:
        """The shown messages from the first to the leaf, with parts, generations and siblings. Three queries.

        ``through``: the id of a message whose path to return instead, down to its latest leaf.
        """
        tree = list(self.messages.all())
        shown = self._path_in(tree, through)
        models.prefetch_related_objects(shown, "parts", "generations")
        mark_siblings(shown, tree)
        return shown

    def path_ids(self) -> list[uuid.UUID]:
        """Ids of the shown messages, from the first to the leaf. One query."""
        return [message.pk for message in self._path_in(list(self.messages.all()), None)]

    # Internals

    def _path_in(self, tree: list[Message], through: str | None) -> list[Message]:
        leaf = latest_leaf(through, tree) if through is not None else None
        return path_to(leaf or next((m for m in tree if m.pk == self.leaf_id), None), tree)

    def _begin_click(self, request: Request) -> Generation | None:
        """Lock the conversation until the transaction's end. Return this click's generation if it has one already.

        Raises Deleted, AnswerPending. On SQLite the transaction itself is the lock.
        """
        try:
            self.refresh_from_db(from_queryset=Conversation.objects.select_for_update())
        except Conversation.DoesNotExist as error:  # purged while a page was open
            raise Deleted from error
        of_this_click = models.Q(client_id=request.client_id)
        found = list(Generation.objects.of(self.pk).filter(of_this_click | models.Q(status__in=UNFINISHED)))
        if earlier := next((g for g in found if g.client_id == request.client_id), None):
            # The process that stored the generation may have died before it published this.
            self._announce(Change.ASKED, request=request.client_id)
            return earlier
        if self.deleted_at:
            raise Deleted
        if found:
            raise AnswerPending
        return None

    def _message(self, pk: uuid.UUID, role: Role | None = None) -> Message:
        message = self.messages.filter(pk=pk).first()
        if message is None or (role and message.role != role):
            raise UnknownMessage
        return message

    def _queue_question(self, parent_id: uuid.UUID | None, text: str, request: Request) -> Generation:
        """Store a question below this message, and queue its answer."""
        asked = Message(conversation=self, parent_id=parent_id, role=Role.USER)
        answer = Message(conversation=self, parent=asked, role=Role.ASSISTANT)
        Message.objects.bulk_create([asked, answer])
        text = storable(text)
        asked.parts.create(kind=PartKind.TEXT, text=text, search_text=fold(text))
        return self._queue(answer, request, leaf_id=answer.pk)

    def _queue_beside(self, earlier: Message, request: Request) -> Generation:
        """Queue another answer to the same question."""
        answer = self.messages.create(parent_id=earlier.parent_id, role=Role.ASSISTANT)
        return self._queue(answer, request, leaf_id=answer.pk)

    def _queue(
        self, answer: Message, request: Request, *, going_on_from: Generation | None = None, **changes: object
    ) -> Generation:
        """Queue a generation, and apply ``changes`` to the conversation."""
        self._update(used_at=site_time.now(), **changes)
        generation = Generation(
            accepted_at=site_time.now(),
            message=answer,
            client_id=request.client_id,
            clicked_at=request.clicked_at,
            expected_tokens=request.expected_tokens,
            mode=request.mode or settings.DEFAULT_MODE,
            wanted_tier=request.tier,
            streams=request.streams,
            fresh=request.fresh,
        )
        if going_on_from is not None:
            generation.go_on_from(going_on_from, answer.shown_stage)
        generation.save(force_insert=True)
        generation.is_new = True
        self._announce(Change.ASKED, request=request.client_id)
        return generation

    def _announce(self, change: Change, *, title: str = "", request: uuid.UUID | None = None) -> None:
        events.publish(ConversationsChanged(change, self.owner_id, (self.pk,), title, request))

    def _update(self, **fields: object) -> None:
        Conversation.objects.filter(pk=self.pk).update(**fields)
        for name, value in fields.items():
            setattr(self, name, value)
