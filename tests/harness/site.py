"""The whole site, running: web, worker, beat, Redis, the demo model server, with a database of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from tests.harness.console import Console
from tests.harness.processes import (
    Process,
    background_process,
    beat_process,
    free_port,
    model_process,
    redis_process,
    web_process,
    worker_process,
)

PATIENCE_S = 120.0
PASSWORD = "a-secret-of-tests"
PEOPLE = """
from django.contrib.auth.models import Group, User
for name in ("alice", "bob", "rita", "otto"):
    user = User.objects.create_user(name, name + "@example.com", "%s", is_staff=name == "rita")
User.objects.get(username="rita").groups.add(Group.objects.get(name="reviewers"))
User.objects.get(username="otto").groups.add(Group.objects.get(name="operators"))
"""


@cache
def prepared() -> Path:
    """What sites begin with, made once for all of this run: static files, and a database where they have one each."""
    folder = Path(os.environ["DATA_DIR"]) / "prepared"
    folder.mkdir()
    site = Site(folder)
    site.manage("collectstatic", "--verbosity", "0", "--no-input")
    if site.has_own_file:
        site.make_database()
    site.console.stop()
    return folder


class Site:
    seats = 256  # of each model server: requests at a time
    places = 64  # of each worker: answers at a time

    def __init__(self, folder: Path, model_servers: int = 1, **env: str):
        self.folder = folder
        self.port = free_port()
        self.model_ports = [free_port() for _ in range(model_servers)]
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATA_DIR": str(folder),
            "REDIS_URL": f"unix://{folder / 'redis.sock'}",
            "VLLM_BASE_URL": ",".join(f"http://127.0.0.1:{port}/v1" for port in self.model_ports),
            "VLLM_FIRST_TOKEN_TIMEOUT_S": "4",
            "VLLM_SILENCE_TIMEOUT_S": "3",
            "VLLM_MAX_TOKENS": "16000",
            "HASHED_STATIC": "1",
            "RUNNING_ANSWERS_PER_USER": "256",  # tests of the limit lower it
            **env,
        }
        self.console = Console(self.env)
        self._cookies: dict[str, str] = {}

    # Its processes

    def start(self) -> Site:
        (self.folder / "static").symlink_to(prepared() / "static")
        if self.has_own_file:
            shutil.copyfile(prepared() / "db.sqlite3", self.folder / "db.sqlite3")
        else:
            self.make_database()
        self.redis = self.start_redis()
        self.models = [self.start_model(number) for number in range(len(self.model_ports))]
        with ThreadPoolExecutor() as threads:  # each waits until it is ready
            worker, background, web = map(threads.submit, (self.start_worker, self.start_background, self.start_web))
        self.worker, self.background, self.web = worker.result(), background.result(), web.result()
        self.beat = self.start_beat()
        return self

    @property
    def has_own_file(self) -> bool:
        """Its database is a file of SQLite, and nobody chose another one."""
        return "DATABASE_URL" not in {**os.environ, **self.env}

    def make_database(self) -> None:
        """With its people."""
        self.manage("migrate", "--verbosity", "0")
        self.shell(PEOPLE % PASSWORD)

    def start_redis(self) -> Process:
        return redis_process(self.folder / "redis.sock", self.folder)

    def start_model(self, number: int = 0) -> Process:
        options = ["--ttft", "0.05", "--rate", "100", "--strict-continuation", "--max-num-seqs", str(self.seats)]
        return model_process(self.folder, self.model_ports[number], *options, name=f"model {number}")

    def break_model(self, number: int = 0, **behaviour: object) -> None:
        """How this model server answers from now on; nothing: as usual."""
        url = f"http://127.0.0.1:{self.model_ports[number]}/demo/faults"
        httpx.request(
            "POST" if behaviour else "DELETE", url, json=behaviour or None, trust_env=False, timeout=60
        ).raise_for_status()

    @contextmanager
    def held(self, after: int, skip: int = 0) -> Iterator[None]:
        """No model server says more than so many words of an answer, until the end of the block; the first requests
        can be ``skip``ped. What happens in mid-answer happens within, however slow the machine is."""
        self.hold(after, skip)
        try:
            yield
        finally:
            self.let_go()

    def hold(self, after: int, skip: int = 0) -> None:
        for number, model in enumerate(self.models):
            if model.is_alive:
                self.break_model(number, hold_after=after, skip=skip)

    def let_go(self) -> None:
        for number, model in enumerate(self.models):
            if model.is_alive:
                self.break_model(number)

    def start_worker(self, name: str = "worker") -> Process:
        return worker_process(self.folder, self.env, name, self.places)

    def start_background(self) -> Process:
        return background_process(self.folder, self.env)

    def start_beat(self) -> Process:
        return beat_process(self.folder, self.env)

    def start_web(self) -> Process:
        return web_process(self.folder, self.port, self.env)

    def running(self, number: int = 0) -> int:
        """Requests that this model server works on."""
        metrics = httpx.get(f"http://127.0.0.1:{self.model_ports[number]}/metrics", trust_env=False, timeout=60).text
        return int(sum(float(v) for v in re.findall(r"^vllm:num_requests_running\S* (\S+)$", metrics, re.MULTILINE)))

    def streamed(self, number: int = 0) -> int:
        """Answers that this model server has begun to stream."""
        metrics = httpx.get(f"http://127.0.0.1:{self.model_ports[number]}/metrics", trust_env=False, timeout=60).text
        counts = re.findall(r"^vllm:time_to_first_token_seconds_count\S* (\S+)$", metrics, re.MULTILINE)
        return int(sum(float(count) for count in counts))

    def stop(self) -> None:
        with ThreadPoolExecutor() as threads:
            for process in (self.console, self.beat, self.worker, self.background, self.web):
                threads.submit(process.stop)
        for process in (*self.models, self.redis):
            process.stop()

    # Its people

    def cookie(self, name: str) -> str:
        """A signed-in session; one per person for the whole run."""
        if name not in self._cookies:
            self._cookies[name] = self.sign_in(name)
        return self._cookies[name]

    def sign_in(self, name: str) -> str:
        """A new session."""
        with self.visitor() as visitor:
            visitor.get("/accounts/login/")
            form = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": visitor.cookies["csrftoken"]}
            answer = visitor.post("/accounts/login/", data=form)
            assert answer.status_code == 302, answer.text
            return visitor.cookies["sessionid"]

    def visitor(self, name: str | None = None) -> httpx.Client:
        """Somebody's browser, without scripts."""
        cookies = {"sessionid": self.cookie(name)} if name else {}
        return httpx.Client(base_url=self.url, cookies=cookies, trust_env=False, timeout=PATIENCE_S)

    def record(self, generation: str, model: str = "Generation") -> dict[str, Any]:
        """The generation's row, or that of its timing."""
        code = (
            "import json; from django.core.serializers.json import DjangoJSONEncoder as E;"
            f"print(json.dumps({model}.objects.filter(pk='{generation}').values().get(), cls=E))"
        )
        row: dict[str, Any] = json.loads(self.shell(code))
        return row

    @property
    def database(self) -> Path:
        """Of a site on SQLite."""
        return self.folder / "site.sqlite3"

    def text_of(self, message: str) -> str:
        """The answer in SQLite, read past the site."""
        with closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as database:
            found = database.execute(
                "SELECT text FROM conversations_part WHERE message_id = ? AND kind = 'text'", [UUID(message).hex]
            ).fetchone()
        return found[0] if found else ""

    def until(self, is_as_wanted: Callable[[str], bool], path: str, name: str) -> str:
        """Ask for a page again and again until it is; returns it."""
        deadline = time.monotonic() + PATIENCE_S
        with self.visitor(name) as visitor:
            while not is_as_wanted(text := visitor.get(path).text):
                assert time.monotonic() < deadline, text
                time.sleep(0.2)
        return text

    def output(self) -> str:
        """Of all processes: what to look at when a test fails."""
        return "\n".join(
            f"== {p.name}\n{p.output()[-3000:]}" for p in (self.web, self.worker, self.background, *self.models)
        )

    def manage(self, *arguments: str) -> str:
        """What `manage.py` prints."""
        ended = self.console.run(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def shell(self, code: str) -> str:
        """What this program prints, run by `manage.py shell`."""
        return self.manage("shell", "--verbosity", "0", "-c", code)
