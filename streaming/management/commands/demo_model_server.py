"""`manage.py demo_model_server`: see `streaming.demo`."""

from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from streaming import demo
from streaming.demo.__main__ import add_arguments, run


class Command(BaseCommand):
    help = demo.__doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(Namespace(**options))
        except OSError as error:
            raise CommandError(f"The demo model server cannot start: {error}") from error
