"""The migration that makes the search texts of what is there already."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection

from conversations.models import Conversation
from conversations.models.chat.message import Part, PartKind
from tests.conversations.talk import begin, talk

migration: Any = import_module("conversations.migrations.0019_fill_search_text")


def test_every_row_gets_its_search_text_in_batches(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "AT_ONCE", 2)
    for number in range(3):
        talk(alice, f"ÄPFEL {number}", "ΟΔΟΣ", title=f"Título {number}")
    written = begin(alice, "Straße")
    written.message.parts.create(kind=PartKind.TEXT, text="Not yet WHOLE")
    written.claim()
    Part.objects.update(search_text=None)
    Conversation.objects.update(search_title=None)

    migration.fill(apps, connection.schema_editor())

    texts = sorted(Part.objects.values_list("search_text", flat=True), key=str)
    assert texts == [None, "strasse", "äpfel 0", "äpfel 1", "äpfel 2", "οδοσ", "οδοσ", "οδοσ"]
    titles = sorted(Conversation.objects.values_list("search_title", flat=True), key=str)
    assert titles == ["new chat", "título 0", "título 1", "título 2"]
