"""A message's position among its versions: other answers to the same question, or other wordings of a question."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django import template

from conversations.models import Message

register = template.Library()


@dataclass(frozen=True)
class Versions:
    number: int  # from 1
    count: int
    previous: UUID | None
    next: UUID | None


@register.simple_tag
def versions_of(message: Message) -> Versions:
    """Needs one query if the message was not read by Conversation.path()."""
    siblings = getattr(message, "siblings", None)
    if siblings is None:
        beside = Message.objects.filter(conversation=message.conversation_id, parent=message.parent_id)
        siblings = list(beside.values_list("pk", flat=True))
    index = siblings.index(message.pk)
    return Versions(
        number=index + 1,
        count=len(siblings),
        previous=siblings[index - 1] if index else None,
        next=siblings[index + 1] if index + 1 < len(siblings) else None,
    )
