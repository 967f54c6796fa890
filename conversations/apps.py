"""What is remembered: conversations, their pages, review and rendering."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        # Permissions are made by Django after migrating, so the groups that hold them are too.
        post_migrate.connect(make_groups, sender=self)


def make_groups(**_: object) -> None:
    from conversations.accounts import ensure_groups  # models can be imported only now

    ensure_groups()
