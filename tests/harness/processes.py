"""Real processes for tests: started on free ports, waited for, and ended with everything that they started."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from glob import glob
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 250.0  # less than the timeout of a test
ENDS_WITHIN_S = 10.0


class Process:
    """A program in a process group of its own, with its output in a file."""

    def __init__(self, name: str, command: list[str], log: Path, env: dict[str, str] | None = None, user: str = ""):
        self.name = name
        self.command = command
        self.log = log / f"{name}.log"
        self.environment = {**os.environ, "PROCESS_NAME": name, **(env or {})}
        self._user = user or None
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> Process:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=self.environment, cwd=ROOT, start_new_session=True, user=self._user,
            )  # fmt: skip
        return self

    def wait_until(self, ready: Callable[[], bool], within_s: float = READY_WITHIN_S) -> Process:
        until = time.monotonic() + within_s
        while not ready():
            assert self.popen is not None
            if self.popen.poll() is not None or time.monotonic() > until:
                self.stop()
                raise AssertionError(f"{self.name} did not become ready:\n{self.output()[-4000:]}")
            time.sleep(0.05)
        return self

    @property
    def is_alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        assert self.popen is not None
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        """As `kill -9` does."""
        self.send(signal.SIGKILL)
        assert self.popen is not None
        self.popen.wait()

    def stop(self) -> None:
        if self.popen is None or not self.is_alive:
            return
        self.send(signal.SIGTERM)
        try:
            self.popen.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def listens(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    return ready


def redis_process(socket_path: Path, folder: Path) -> Process:
    from chatsite.launch.redis import find_redis_server

    command = [find_redis_server(), "--port", "0", "--unixsocket", str(socket_path), "--dir", str(folder), "--save", ""]
    socket_path.unlink(missing_ok=True)
    return Process("redis", [*command, "--appendonly", "yes"], folder).start().wait_until(socket_path.exists)


def model_process(folder: Path, port: int, *arguments: str, name: str = "model") -> Process:
    command = [sys.executable, "-m", "streaming.demo", "--port", str(port), *arguments]
    return Process(name, command, folder).start().wait_until(listens(port))


def web_process(folder: Path, port: int, env: dict[str, str], name: str = "web") -> Process:
    """As the Procfile starts it, with its limits."""
    options = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", procfile()["web"]).split(" chatsite.web ")[1].split()
    options[options.index("-p") + 1] = str(port)
    return (
        Process(name, [sys.executable, "-m", "chatsite.web", *options], folder, env).start().wait_until(listens(port))
    )


def procfile() -> dict[str, str]:
    """Commands by process."""
    return dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def worker_process(folder: Path, env: dict[str, str], name: str = "worker", places: int = 64) -> Process:
    """Makes answers."""
    return celery_process(folder, env, name, "generations", places)


def background_process(folder: Path, env: dict[str, str], name: str = "background") -> Process:
    """Does all that goes on beside answers."""
    return celery_process(folder, env, name, "default", 4)


def celery_process(folder: Path, env: dict[str, str], name: str, queue: str, places: int) -> Process:
    command = [sys.executable, "-m", "celery", "-q", "-A", "chatsite.celery", "worker", "--pool", "threads"]
    command += ["--concurrency", str(places), "-Q", queue, "--loglevel", "INFO", "-n", f"{name}@%h"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = Process(name, command, folder, env)
    before = process.output().count("ready.")
    return process.start().wait_until(lambda: process.output().count("ready.") > before)


def beat_process(folder: Path, env: dict[str, str]) -> Process:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-q",
        "-A",
        "chatsite.celery",
        "beat",
        "--pidfile=",
        "--loglevel",
        "INFO",
    ]
    return Process("beat", command, folder, env).start()


def postgres_process(folder: Path, port: int) -> Process:
    """A PostgreSQL of its own in ``folder``, with a database `throughline`; root hands it to an unprivileged user."""
    initdb = find_initdb()
    assert initdb is not None, "PostgreSQL is not installed"
    programs, data = initdb.parent, folder / "pg"
    user = ""
    if os.getuid() == 0:
        user = "postgres" if has_user("postgres") else "nobody"
        data.mkdir()
        shutil.chown(data, user)
        folder.chmod(0o755)
    quiet = {"stdout": subprocess.DEVNULL, "user": user or None, "cwd": "/"}
    subprocess.run([programs / "initdb", "-D", data, "-U", "throughline", "-A", "trust"], check=True, **quiet)  # type: ignore[call-overload]
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(data)]
    command += ["-c", "fsync=off", "-c", "full_page_writes=off"]  # no test takes the machine's power away
    process = Process("postgres", command, folder, user=user).start().wait_until(listens(port))
    create = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "throughline", "throughline"]
    until = time.monotonic() + READY_WITHIN_S
    while subprocess.run(create, stderr=subprocess.DEVNULL, check=False).returncode:
        assert time.monotonic() < until, process.output()
        time.sleep(0.1)
    return process


def find_initdb() -> Path | None:
    """Debian keeps it out of PATH."""
    found = [shutil.which("initdb"), *sorted(glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)]
    return next((Path(path).resolve() for path in found if path), None)


def has_user(name: str) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False
