"""What was said before a message, as a prompt needs it: one query, at the cost of the path instead of the tree."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from .message import Message, Part, PartKind, Role

LONGEST = 1_000_000  # messages of a path
PATH = f"""
WITH RECURSIVE path (id, parent_id, role, depth) AS (
    SELECT id, parent_id, role, 0 FROM {Message._meta.db_table} WHERE id = %s
    UNION ALL
    SELECT above.id, above.parent_id, above.role, path.depth + 1
    FROM {Message._meta.db_table} above JOIN path ON above.id = path.parent_id WHERE path.depth < %s
)
SELECT path.id, path.role, part.text
FROM path LEFT JOIN {Part._meta.db_table} part
    ON part.message_id = path.id AND part.kind = '{PartKind.TEXT}' AND part.text <> ''
WHERE path.depth > 0 ORDER BY path.depth DESC
"""


class Said(NamedTuple):
    role: Role
    text: str


def said_before(message: Message, most: int = LONGEST) -> list[Said]:
    """The first one first, the last ``most`` of them, without the message itself. One query; three more where answers
    were made in stages, of which one is shown."""
    with connection.cursor() as cursor:
        cursor.execute(PATH, [Message._meta.pk.get_db_prep_value(message.pk, connection), most])
        rows = cursor.fetchall()
    path = [(pk, Role(role), [text for *_, text in group]) for (pk, role), group in groupby(rows, lambda row: row[:2])]
    shown = shown_texts([UUID(str(pk)) for pk, _, texts in path if len(texts) > 1])
    return [Said(role, shown.get(UUID(str(pk))) or texts[0] or "") for pk, role, texts in path]


def shown_texts(ids: list[UUID]) -> dict[UUID, str]:
    """Of answers that have several texts."""
    staged = Message.objects.filter(pk__in=ids).with_all() if ids else []
    return {message.pk: message.text for message in staged}
