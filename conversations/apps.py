"""What is stored: conversations, with their pages, review and rendering."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_delete


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        # Django creates permissions after migrating, so the groups that have them can only be created then.
        post_migrate.connect(make_groups, sender=self)
        # Deleting a user deletes conversations by cascade, which calls none of their methods, but sends a signal.
        from conversations.models.chat.conversation import Conversation
        from conversations.models.chat.erasure import announce_erasure

        pre_delete.connect(announce_erasure, sender=Conversation)


def make_groups(**_: object) -> None:
    # Models can be imported only after the apps are loaded.
    from conversations.accounts.sign_up import ensure_groups

    ensure_groups()
