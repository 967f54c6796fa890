"""`manage.py create_demo_accounts`: creates user, reviewer, operator and admin, to try the site on your own machine."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations.accounts.sign_up import DEMO_GROUPS, ensure_demo_accounts

WHICH_PASSWORD = {
    True: "with the password in DEMO_PASSWORD",
    False: "with the password that was printed when they were made (set DEMO_PASSWORD in .env to change it)",
}


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo accounts are for DEBUG only: their names are known to everyone.")
        made, password = ensure_demo_accounts()
        kept = [name for name in DEMO_GROUPS if name not in made]
        if made:
            self.stdout.write(f"Demo accounts {', '.join(made)}, password: {password}")
        if kept:
            self.stdout.write(f"Demo accounts {', '.join(kept)}, {WHICH_PASSWORD[bool(settings.DEMO_PASSWORD)]}")
