"""What is remembered: conversations, their pages, review and rendering."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_delete


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        # Permissions are made by Django after migrating, so the groups that hold them are too.
        post_migrate.connect(make_groups, sender=self)
        # Deleting a user deletes conversations by cascade, past all of their verbs: only a signal hears of that.
        from conversations.models.chat.conversation import Conversation
        from conversations.models.chat.erasure import announce_erasure

        pre_delete.connect(announce_erasure, sender=Conversation)


def make_groups(**_: object) -> None:
    from conversations.accounts.sign_up import ensure_groups  # models can be imported only now

    ensure_groups()
