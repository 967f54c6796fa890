"""While a deployment rolls, code of before inserts rows into tables of now: what it does not know has a default in the
database itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations import AddField
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from conversations.models import Act, Look
from tests.conversations.talk import talk

LATEST = max(name for app, name in MigrationLoader(None).disk_migrations if app == "conversations")
FROM = 16  # the first that a site in service may still have before it


def added() -> list[tuple[str, str]]:
    """Model and field, of all that were added to tables that were there."""
    migrations = MigrationLoader(None).disk_migrations
    return [
        (operation.model_name, operation.name)
        for (app, name), migration in sorted(migrations.items())
        if app in ("conversations", "streaming") and int(name[:4]) >= FROM
        for operation in migration.operations
        if isinstance(operation, AddField)
    ]


@pytest.mark.parametrize(("model", "name"), added())
def test_an_added_column_may_be_left_out(model: str, name: str) -> None:
    try:
        field = apps.get_model("conversations", model)._meta.get_field(name)
    except LookupError:
        return  # it has gone since

    assert field.null or field.db_default is not NOT_PROVIDED, "give it null=True, or a db_default"  # type: ignore[union-attr]


def test_there_are_some() -> None:
    assert ("stage", "domains") in added()


@pytest.fixture
def go_to(transactional_db: None) -> Iterator[Callable[[str], Any]]:
    """Another migration of conversations; the models of then."""

    def go(name: str) -> Any:
        return MigrationExecutor(connection).migrate([("conversations", name)]).apps.get_model

    yield go
    go(LATEST)


def test_one_can_go_back_and_forth_with_what_was_recorded(go_to: Callable[[str], Any]) -> None:
    Look.objects.create(act=Act.SEARCHED, reviewer_name="rita", details="q=sky")
    talk(User.objects.create_user("alice")).reviews.create(note="By somebody whose account was deleted")

    model_of = go_to("0016_stage_domains")
    stages = model_of("conversations", "Stage").objects
    stages.create(name="before", label="Before", system_prompt="x", confidence_prior=0.5)
    records = [model_of("conversations", name).objects.count() for name in ("Look", "Review")]
    stages = go_to(LATEST)("conversations", "Stage").objects
    stages.create(name="now", label="Now", system_prompt="x")

    assert records == [0, 0]
    with connection.cursor() as cursor:  # code of before still reads it, until it is replaced
        cursor.execute("SELECT confidence_prior FROM conversations_stage WHERE name IN ('before', 'now') ORDER BY name")
        assert cursor.fetchall() == [(0.5,), (None,)]
