"""Secrets are encrypted in the database, survive a change of SECRET_KEY, and break nothing when they cannot be read."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from conversations.models import AlertRule, ModelServer, Tier
from conversations.models.encrypted import unreadable_fields
from streaming.operations.health.config_warnings import problems
from streaming.planning.tiers import stored_tiers

KEY, HOOK, SECRET = "sk-never-in-plain", "https://hooks.example.com/T0/B0/capability", "whsec-never-in-plain"
OTHER_KEY = "another-secret-key-" + "y" * 50
SERVERS, RULES = "/admin/conversations/modelserver/", "/admin/conversations/alertrule/"


@pytest.fixture
def server(db: None) -> ModelServer:
    return ModelServer.objects.create(name="GPU", url="http://127.0.0.1:9/v1", api_key=KEY)


@pytest.fixture
def rule(db: None) -> AlertRule:
    return AlertRule.objects.create(name="Hooked", figure="queue", threshold=1, webhook_url=HOOK, webhook_secret=SECRET)


def raw(table: str) -> str:
    """All that the database holds of it, past the models."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM conversations_{table}")
        return repr(cursor.fetchall())


def test_the_database_holds_no_plain_secret(server: ModelServer, rule: AlertRule) -> None:
    assert KEY not in raw("modelserver")
    assert HOOK not in raw("alertrule") and SECRET not in raw("alertrule")

    server.refresh_from_db()
    rule.refresh_from_db()

    assert (server.api_key, rule.webhook_url, rule.webhook_secret) == (KEY, HOOK, SECRET)


def test_an_empty_one_stays_empty(db: None) -> None:
    ModelServer.objects.create(name="Open", url="http://127.0.0.1:9/v1")

    assert "fernet" not in raw("modelserver")


def test_an_export_of_the_database_has_no_plain_secret(server: ModelServer) -> None:
    out = io.StringIO()

    call_command("dumpdata", "conversations.modelserver", stdout=out)

    assert "fernet:" in out.getvalue() and KEY not in out.getvalue()


def test_it_cannot_be_searched(server: ModelServer) -> None:
    with pytest.raises(FieldError):
        ModelServer.objects.filter(api_key__startswith="sk").exists()


def test_a_plain_one_from_before_is_read_and_then_encrypted(server: ModelServer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_modelserver SET api_key = 'sk-old-and-plain'")

    server.refresh_from_db()
    call_command("reencrypt_secrets", stdout=io.StringIO())

    assert server.api_key == "sk-old-and-plain"
    assert "sk-old-and-plain" not in raw("modelserver")


def test_a_changed_key_reads_by_its_fallback_and_needs_it_no_more_once_reencrypted(
    server: ModelServer, settings: Settings
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER_KEY, [settings.SECRET_KEY]
    assert ModelServer.objects.get().api_key == KEY

    call_command("reencrypt_secrets", stdout=io.StringIO())
    settings.SECRET_KEY_FALLBACKS = []

    assert ModelServer.objects.get().api_key == KEY


@pytest.mark.parametrize("stored", ["fernet:", "fernet:abc", "fernet:é", "fernet:" + "A" * 400])
def test_what_nothing_encrypted_cannot_be_read_and_stays(server: ModelServer, stored: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE conversations_modelserver SET api_key = %s", [stored])

    server = ModelServer.objects.get()
    server.save()

    assert unreadable_fields(server) == ["api_key"] and stored in raw("modelserver")


class TestWithoutItsKey:
    @pytest.fixture(autouse=True)
    def lost(self, server: ModelServer, rule: AlertRule, settings: Settings) -> None:
        settings.SECRET_KEY = OTHER_KEY

    def test_the_operators_read_what_to_do(self, server: ModelServer) -> None:
        Tier.objects.create(name="Smart", slug="smart", model="m", server=server)

        told = "\n".join(problems())

        assert "The API key of the model server “GPU” cannot be decrypted" in told
        assert "SECRET_KEY_FALLBACKS" in told and "the key of its server “GPU” cannot be decrypted" in told
        assert [tier.slug for tier in stored_tiers()] == ["default"]

    def test_the_admin_says_so_and_keeps_what_is_stored(
        self, as_root: Client, server: ModelServer, settings: Settings
    ) -> None:
        page = as_root.get(f"{SERVERS}{server.pk}/change/").content.decode()
        tried = as_root.post(f"{SERVERS}{server.pk}/test/", follow=True).content.decode()
        form = {"name": "GPU 2", "url": server.url, "api_key": "", "streams": "on"}
        as_root.post(f"{SERVERS}{server.pk}/change/", form)
        settings.SECRET_KEY_FALLBACKS = ["only-for-tests-" + "x" * 50]

        assert "cannot be decrypted" in page and "cannot be decrypted" in tried
        assert [(row.name, row.api_key) for row in ModelServer.objects.all()] == [("GPU 2", KEY)]

    def test_lists_and_rules_show_without_it(self, as_root: Client, rule: AlertRule) -> None:
        for page in (SERVERS, RULES, f"{RULES}{rule.pk}/change/"):
            assert as_root.get(page).status_code == 200, page

        tried = as_root.post(f"{RULES}{rule.pk}/test/", follow=True).content.decode()
        assert "cannot be decrypted" in tried and "HTTP" not in tried

    def test_the_command_names_what_is_lost_and_touches_nothing(self, server: ModelServer) -> None:
        before = raw("modelserver")

        with pytest.raises(CommandError, match="API key of the model server “GPU” cannot be decrypted"):
            call_command("reencrypt_secrets", stdout=io.StringIO())

        assert raw("modelserver") == before
