"""Makes the search texts of what is stored, in short transactions: SQLite has one writer at a time, and the processes of
the version before may still be saving answers. Begun again, it goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from conversations.models.chat.folding import fold

AT_ONCE = 500
UNFINISHED = ("queued", "running")


def fill(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    parts = apps.get_model("conversations", "Part").objects.filter(kind="text")
    # Those that are being written get theirs with their end.
    finished = parts.exclude(message__generations__status__in=UNFINISHED)
    fill_column(editor, finished, "text", "search_text")
    fill_column(editor, apps.get_model("conversations", "Conversation").objects.all(), "title", "search_title")


def fill_column(editor: BaseDatabaseSchemaEditor, rows: Any, source: str, column: str) -> None:
    """``rows`` that have none yet."""
    quote = editor.quote_name
    table = quote(rows.model._meta.db_table)
    update = f"UPDATE {table} SET {quote(column)} = %s WHERE {quote('id')} = %s AND {quote(column)} IS NULL"
    key = rows.model._meta.pk
    for batch in batches(rows.filter(**{column: None}).order_by("pk"), source):
        values = [(fold(text), key.get_db_prep_value(pk, editor.connection)) for pk, text in batch]
        with transaction.atomic(using=editor.connection.alias), editor.connection.cursor() as cursor:
            cursor.executemany(update, values)


def batches(rows: Any, source: str) -> Iterator[list[tuple[Any, str]]]:
    """Key and text of each, by key."""
    batch = list(rows.values_list("pk", source)[:AT_ONCE])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1][0]).values_list("pk", source)[:AT_ONCE])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("conversations", "0018_search_text")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
