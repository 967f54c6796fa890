"""Starts the site step by step. An obstacle ends the start with one sentence and exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import Error as DatabaseError

from chatsite.private import close_own, refuse_wider

from . import InTheWay
from .checkout import HOME, claim_folder, end_orphans
from .ports import open_port
from .ready import address, announce_when_ready
from .redis import prepare_socket, redis_environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    os.environ.setdefault("PROCESS_NAME", "setup")
    try:
        read_settings()
        keep_private()
        lock = claim_folder()
        end_orphans()
        web_socket = open_port()
        environment = redis_environment()
        prepare_socket(Path(settings.WATCH_SOCKET))
        prepare_database()
    except InTheWay as error:
        print(f"Throughline cannot start: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"Starting Throughline on {address()} …", flush=True)
    give_output_a_path()
    announce_when_ready(lock)
    become_manager(environment, web_socket)


def read_settings() -> None:
    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise InTheWay(str(error)) from error


def keep_private() -> None:
    """Closes the data folder to other users: an earlier version made it readable by everybody."""
    try:
        if mended := close_own(settings.DATA_DIR):
            print(mended, flush=True)
        refuse_wider()
    except ImproperlyConfigured as error:
        raise InTheWay(str(error)) from error
    except OSError:
        pass  # claim_folder reports what is wrong with the folder


def prepare_database() -> None:
    try:
        call_command("migrate", verbosity=0, interactive=False)
        if settings.DEBUG:
            call_command("create_demo_accounts")
    except DatabaseError as error:
        raise InTheWay(f"the database cannot be used ({error}). See DATABASE_URL in .env.example.") from error
    if not settings.DEBUG:  # with DEBUG, static files are served from the source tree
        call_command("collectstatic", verbosity=0, interactive=False)


def give_output_a_path() -> None:
    """Relays output through `cat` where /dev/fd/1 cannot be opened (a socket, another user's terminal).

    supervisord opens it by that path.
    """
    try:
        os.close(os.open("/dev/fd/1", os.O_WRONLY))
    except OSError:
        passed_on = subprocess.Popen(["cat"], stdin=subprocess.PIPE, process_group=0)
        assert passed_on.stdin is not None
        os.dup2(passed_on.stdin.fileno(), 1)


def become_manager(environment: dict[str, str], web_socket: int) -> None:
    os.environ.update(
        environment,
        BASE_DIR=str(settings.BASE_DIR),
        DATA_DIR=str(settings.DATA_DIR),
        PYTHON=sys.executable,
        WEB_SOCKET=str(web_socket),
        NOTIFY_SOCKET=settings.WATCH_SOCKET,
        FROZEN_AFTER_S=str(settings.FROZEN_AFTER_S),
        REPLACED_PROCESS="",
        DEMO_MODEL_PORT=str(settings.DEMO_MODEL_PORT),
        START_MODEL=str(settings.DEMO_MODEL_SERVER).lower(),
        GENERATIONS_PER_WORKER=str(settings.GENERATIONS_PER_WORKER),
        **{HOME: str(settings.DATA_DIR)},
    )
    deploy = settings.BASE_DIR / "deploy"
    os.execv(sys.executable, [sys.executable, str(deploy / "manager.py"), "-c", str(deploy / "supervisord.conf")])


if __name__ == "__main__":
    main()
