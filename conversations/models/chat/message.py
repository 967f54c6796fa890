"""A message: a question or an answer; a node in its conversation's tree. Its text is stored in parts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Self

from django.db import connection, models
from django.urls import reverse
from django.utils import timezone

from conversations.models.generation.plan import shown_stage

from .folding import fold

if TYPE_CHECKING:
    from conversations.models.generation.generation import Generation


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"


class PartKind(models.TextChoices):
    TEXT = "text"
    THINKING = "thinking"


class PartKey(NamedTuple):
    """Identifies a part of a message: its stage (0, 1, …) and kind."""

    stage: int
    kind: PartKind

    @property
    def name(self) -> str:
        """Its name for pages and API clients, such as "0.text"."""
        return f"{self.stage}.{self.kind}"


ANSWER = PartKey(0, PartKind.TEXT)


class Said(NamedTuple):
    role: Role
    text: str


class MessageQuerySet(models.QuerySet["Message"]):
    def with_all(self) -> Self:
        """With parts and generations prefetched: two more queries."""
        return self.prefetch_related("parts", "generations")

    def beside(self, shown: Iterable[Message]) -> Self:
        """These messages of one conversation and their siblings."""
        parents = {message.parent_id for message in shown}
        below = models.Q(parent__in=parents - {None})
        return self.filter(below | models.Q(parent=None) if None in parents else below)


class Message(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey("Conversation", on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="children")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = MessageQuerySet.as_manager()

    siblings: list[uuid.UUID]  # including itself, oldest first; set by Conversation.path()

    class Meta:
        ordering = ("created_at",)

    def __str__(self) -> str:
        return f"{self.role} {self.pk}"

    @property
    def text(self) -> str:
        """The question, or the text of the shown stage. Reads the parts and, for a staged answer, the generations."""
        return self.texts().get(PartKey(self.shown_stage, PartKind.TEXT), "")

    @property
    def thinking(self) -> str:
        return self.texts().get(PartKey(self.shown_stage, PartKind.THINKING), "")

    @property
    def shown_stage(self) -> int:
        """The stage whose text is the answer. Reads the generations if several stages have text."""
        lengths = {key.stage: len(text) for key, text in self.texts().items() if key.kind == PartKind.TEXT and text}
        if len(lengths) < 2:
            return max(lengths, default=0)
        outcomes = self.generation.stage_results if self.generation else {}
        return shown_stage(lengths, {number: outcome.status for number, outcome in outcomes.items()})

    @cached_property
    def transcript(self) -> tuple[Said, ...]:
        """All earlier messages of its path, from the first one on, for a prompt. Cached after the first read.

        One query, and three more if an earlier answer has several stages.
        """
        with connection.cursor() as cursor:
            cursor.execute(PATH, [Message._meta.pk.get_db_prep_value(self.pk, connection)])
            rows = cursor.fetchall()
        path = [(pk, Role(role), [row[2] for row in group]) for (pk, role), group in groupby(rows, lambda row: row[:2])]
        several = [uuid.UUID(str(pk)) for pk, _, texts in path if len(texts) > 1]
        staged = Message.objects.filter(pk__in=several).with_all() if several else []
        shown = {message.pk: message.text for message in staged}
        return tuple(Said(role, shown.get(uuid.UUID(str(pk))) or texts[0] or "") for pk, role, texts in path)

    @property
    def fragment_url(self) -> str:
        """The URL of this message as an HTML fragment."""
        return reverse("message", args=[self.conversation_id, self.pk])

    def texts(self) -> dict[PartKey, str]:
        return {part.key: part.text for part in self.parts.all()}

    @property
    def generation(self) -> Generation | None:
        """The latest one; None for a question."""
        return max(self.generations.all(), key=lambda g: g.accepted_at, default=None)

    @property
    def state(self) -> str:
        """The value of ``data-state`` in pages."""
        generation = self.generation
        if generation is None:
            return "done"
        return "streaming" if generation.status == "running" else generation.status


class Part(models.Model):
    """The text of a message, per stage and kind. A question has one part; an answer has text and thinking per stage."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    stage = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=10, choices=PartKind.choices)
    text = models.TextField(blank=True)
    # NULL of thinking, and while the answer is being written.
    search_text = models.TextField(null=True, editable=False, help_text="The text, normalised for searches.")  # noqa: DJ001

    class Meta:
        ordering = ("stage", "kind")
        constraints = (
            models.UniqueConstraint(fields=["message", "stage", "kind"], name="one_part_per_stage_and_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of stage {self.stage}"

    @property
    def key(self) -> PartKey:
        return PartKey(self.stage, PartKind(self.kind))

    @staticmethod
    def store(texts: Mapping[uuid.UUID, Mapping[PartKey, str]], *, are_whole: bool) -> None:
        """Replace the parts of these messages, by message id. At most three statements in all.

        ``are_whole``: the texts are final, so store their search texts too.
        """
        by_key = {(message_id, *key): text for message_id, parts in texts.items() for key, text in parts.items()}
        rows = [Part(message_id=pk, stage=stage, kind=kind, text=text) for (pk, stage, kind), text in by_key.items()]
        for row in rows:
            row.search_text = fold(row.text) if are_whole and row.kind == PartKind.TEXT else None
        Part.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["message", "stage", "kind"],
            update_fields=["text", "search_text"],
        )
        stored = Part.objects.filter(message__in=texts).values_list("pk", "message_id", "stage", "kind")
        if obsolete := [pk for pk, *key in stored if tuple(key) not in by_key]:
            Part.objects.filter(pk__in=obsolete).delete()


# Recursive, so that it reads the path and not the whole tree.
PATH = f"""
WITH RECURSIVE path (id, parent_id, role, depth) AS (
    SELECT id, parent_id, role, 0 FROM {Message._meta.db_table} WHERE id = %s
    UNION ALL
    SELECT above.id, above.parent_id, above.role, path.depth + 1
    FROM {Message._meta.db_table} above JOIN path ON above.id = path.parent_id
)
SELECT path.id, path.role, part.text
FROM path LEFT JOIN {Part._meta.db_table} part
    ON part.message_id = path.id AND part.kind = '{PartKind.TEXT}' AND part.text <> ''
WHERE path.depth > 0 ORDER BY path.depth DESC
"""


def path_to(message: Message | None, tree: Iterable[Message]) -> list[Message]:
    """The messages from the conversation's first to this one."""
    by_id = {message.pk: message for message in tree}
    path: list[Message] = []
    while message is not None:
        path.append(message)
        message = by_id.get(message.parent_id) if message.parent_id else None
    path.reverse()
    return path


def mark_siblings(shown: Iterable[Message], everything: Iterable[Message]) -> None:
    """Set ``siblings`` on each shown message."""
    children: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for message in sorted(everything, key=lambda m: m.created_at):
        children.setdefault(message.parent_id, []).append(message.pk)
    for message in shown:
        message.siblings = children[message.parent_id]


def latest_leaf(message_id: str, tree: Iterable[Message]) -> Message | None:
    """The leaf of the latest path through a message; None if there is no such message."""
    children = {message.parent_id: message for message in sorted(tree, key=lambda m: m.created_at)}
    found = next((message for message in tree if str(message.pk) == message_id), None)
    while found is not None and (child := children.get(found.pk)):
        found = child
    return found
