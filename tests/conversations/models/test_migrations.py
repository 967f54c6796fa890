"""While a deployment rolls, code of before inserts rows into tables of now: what it does not know has a default in the
database itself."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

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
