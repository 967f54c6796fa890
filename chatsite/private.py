"""Keeps stored data private to the user that runs the site: folders 0700, files 0600.

settings.py sets the umask of every process accordingly. Older or later widened files stop the start with a sentence;
`make run` repairs its own data folder.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

UMASK = 0o077
PUBLIC = {"static", "vllm"}  # collected static files, and what tests install: not private
OURS = {
    *PUBLIC, "db.sqlite3", "redis", "redis.conf", "redis.log", "redis.sock", "watch.sock", "run.lock",
    "supervisord.log", "supervisord.pid", "celerybeat-schedule",
}  # fmt: skip
MENDED = "Throughline closed {folder} to other users of this machine: it holds conversations and password hashes."


def refuse_wider() -> None:
    """Raises ImproperlyConfigured, with the command that repairs it, if other users can read what is stored."""
    for path in wider():
        what = "holds conversations and password hashes" if path.is_dir() else "is the database"
        raise ImproperlyConfigured(
            f"{path} {what}, and other users of this machine can get at it (mode {mode(path):o}). "
            f"Close it: chmod -R go= '{path}'"
        )


def wider() -> Iterator[Path]:
    """Yields the data folder and SQLite's file, wherever it is, if other users can read them."""
    if holds_data(settings.DATA_DIR) and is_wider(settings.DATA_DIR):
        yield settings.DATA_DIR
    database = database_file()
    if database and database.exists() and is_wider(database):
        yield database


def database_file() -> Path | None:
    """Returns SQLite's file; None for another database, or one in memory."""
    database = settings.DATABASES["default"]
    name = str(database["NAME"])
    if database["ENGINE"] != "django.db.backends.sqlite3" or ":memory:" in name or name.startswith("file:"):
        return None
    return Path(name).absolute()


def holds_data(folder: Path) -> bool:
    try:
        return folder.is_dir() and any(path.name not in PUBLIC for path in folder.iterdir())
    except PermissionError as error:
        raise ImproperlyConfigured(f"{folder} belongs to another user, who alone can read it. See DATA_DIR.") from error


def is_wider(path: Path) -> bool:
    return bool(mode(path) & UMASK)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def close_own(folder: Path) -> str:
    """Closes a data folder that contains only our files to other users. Returns a sentence about it, or ""."""
    if not folder.is_dir() or any(not is_ours(path) for path in folder.iterdir()):
        return ""
    ours = [folder, *(path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in PUBLIC)]
    open_ones = [path for path in ours if not path.is_symlink() and is_wider(path)]
    for path in open_ones:
        path.chmod(mode(path) & ~UMASK)
    return MENDED.format(folder=folder) if open_ones and holds_data(folder) else ""


def is_ours(path: Path) -> bool:
    """Decides by the name, to which SQLite, supervisord and dbm add suffixes."""
    return any(path.name == name or path.name.startswith((f"{name}-", f"{name}.")) for name in OURS)
