"""While a deployment rolls, code of before inserts rows into tables of now: what it does not know has a default in the
database itself."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations import AddField
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from conversations.models import AlertRule, Pipeline


def without_default(model: str, name: str) -> bool:
    try:
        field = apps.get_model("conversations", model)._meta.get_field(name)
    except LookupError:
        return False  # it has gone since
    return not field.null and field.db_default is NOT_PROVIDED  # type: ignore[union-attr]


def test_added_columns_may_be_left_out() -> None:
    migrations = MigrationLoader(None).disk_migrations
    later = [m for (app, name), m in migrations.items() if app == "conversations" and name != "0001_initial"]
    added = [operation for migration in later for operation in migration.operations if isinstance(operation, AddField)]

    lacking = [f"{one.model_name}.{one.name}" for one in added if without_default(one.model_name, one.name)]
    assert not lacking, "give these null=True, or a db_default"


def test_a_column_that_must_be_given_is_found() -> None:
    assert without_default("message", "role")
    assert not without_default("stage", "domains")


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_a_new_database_has_the_usual_pipelines_and_alert_rules() -> None:
    stages = [[use.stage.name for use in one.stages.select_related("stage")] for one in Pipeline.objects.all()]

    assert stages == [["quick"], ["quick", "synthesis"], ["quick", "deep", "synthesis"]]
    assert AlertRule.objects.count() == 8
