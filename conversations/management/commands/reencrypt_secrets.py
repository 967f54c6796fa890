"""Re-encrypts the secrets in the database with the current SECRET_KEY. SECRET_KEY_FALLBACKS can then be emptied."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from conversations.models.encrypted import encrypted_fields, unreadable_rows


class Command(BaseCommand):
    help = "Encrypt keys of model servers and secrets of webhooks with the present SECRET_KEY."

    def handle(self, *_: Any, **__: Any) -> None:
        count = reencrypt()
        if lost := list(unreadable_rows()):
            raise CommandError("\n".join(lost), returncode=1)
        self.stdout.write(f"{count} rows are encrypted with the present SECRET_KEY.")


@transaction.atomic
def reencrypt() -> int:
    """Return the number of rows. Leaves values that cannot be decrypted unchanged."""
    count = 0
    for model, names in encrypted_fields():
        for row in model._default_manager.select_for_update():
            row.save(update_fields=names)
            count += 1
    return count
