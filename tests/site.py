"""The whole site, running: web, worker, beat, Redis, the demo model server, with a database of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.processes import (
    ROOT,
    Process,
    beat_process,
    free_port,
    model_process,
    redis_process,
    web_process,
    worker_process,
)

PASSWORD = "a-secret-of-tests"
PEOPLE = """
from django.contrib.auth.models import Group, User
for name in ("alice", "bob", "rita", "otto"):
    user = User.objects.create_user(name, name + "@example.com", "%s", is_staff=name == "rita")
User.objects.get(username="rita").groups.add(Group.objects.get(name="reviewers"))
User.objects.get(username="otto").groups.add(Group.objects.get(name="operators"))
"""


class Site:
    def __init__(self, folder: Path):
        self.folder = folder
        self.port, self.model_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATA_DIR": str(folder),
            "REDIS_URL": f"unix://{folder / 'redis.sock'}",
            "VLLM_BASE_URL": f"http://127.0.0.1:{self.model_port}/v1",
            "VLLM_FIRST_TOKEN_TIMEOUT_S": "4",
            "VLLM_SILENCE_TIMEOUT_S": "3",
            "HASHED_STATIC": "1",
        }
        self._cookies: dict[str, str] = {}

    # Its processes

    def start(self) -> Site:
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--verbosity", "0", "--no-input")
        self.manage("shell", "--no-imports", "-c", PEOPLE % PASSWORD)
        self.redis = redis_process(self.folder / "redis.sock", self.folder)
        self.model = self.start_model()
        self.worker = self.start_worker()
        self.beat = beat_process(self.folder, self.env)
        self.web = self.start_web()
        return self

    def start_model(self) -> Process:
        return model_process(self.folder, self.model_port, "--ttft", "0.05", "--rate", "100", "--strict-continuation")

    def start_worker(self, name: str = "worker") -> Process:
        return worker_process(self.folder, self.env, name)

    def start_web(self) -> Process:
        return web_process(self.folder, self.port, self.env)

    def stop(self) -> None:
        for process in (self.beat, self.worker, self.web, self.model, self.redis):
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
        return httpx.Client(base_url=self.url, cookies=cookies, trust_env=False, timeout=20)

    def output(self) -> str:
        """Of all processes: what to look at when a test fails."""
        return "\n".join(f"== {p.name}\n{p.output()[-3000:]}" for p in (self.web, self.worker, self.model))

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **self.env}, check=True)
