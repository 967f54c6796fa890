"""Somebody's program: a token, requests, and streams that it folds as docs/api.md says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.harness.page import units
from tests.harness.site import Site

Json = dict[str, Any]
PATIENCE_S = 60.0


@dataclass
class Event:
    name: str
    data: Json
    id: str = ""


@dataclass
class Answer:
    """What a program has of an answer."""

    text: dict[str, str] = field(default_factory=dict)  # by part
    position: str = ""
    end: Json | None = None

    def fold(self, event: Event) -> None:
        part = event.data.get("part", "")
        match event.name:
            case "text.delta":
                assert event.data["at"] == units(self.text.get(part, "")), "a hole, or text twice"
                self.text[part] = self.text.get(part, "") + event.data["text"]
            case "part.restarted":
                self.text[part] = ""
            case "answer.finished":
                self.end = event.data
        self.position = event.id or self.position

    @property
    def answer(self) -> str:
        return self.text.get("0.text", "")


class Program:
    def __init__(self, site: Site, who: str):
        self.site = site
        self._who = who
        self.secret, self.token_id = make_token(site, who)
        self.http = httpx.Client(
            base_url=f"{site.url}/api/v1",
            headers={"Authorization": f"Bearer {self.secret}"},
            trust_env=False,
            timeout=PATIENCE_S,
        )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        revoke_token(self.site, self._who, self.token_id)

    def ask(self, text: str, conversation: str = "", id: UUID | None = None, **fields: Any) -> httpx.Response:
        path = f"/conversations/{conversation}/messages" if conversation else "/conversations"
        return self.http.post(path, json={"text": text, "id": str(id or uuid4()), **fields})

    def generation(self, text: str, conversation: str = "") -> Json:
        """Of a new question."""
        response = self.ask(text, conversation)
        assert response.status_code == 201, response.text
        made: Json = response.json()["generation"]
        return made

    @contextmanager
    def stream(self, generation: str, after: str = "") -> Iterator[Iterator[Event]]:
        """The events from this position on, as they come."""
        headers = {"Last-Event-ID": after} if after else {}
        with self.http.stream("GET", f"/generations/{generation}/events", headers=headers) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "text/event-stream"
            yield events_of(response.iter_lines())

    def follow(self, generation: str, answer: Answer | None = None) -> Answer:
        """To the end."""
        answer = answer or Answer()
        with self.stream(generation, answer.position) as events:
            for event in events:
                answer.fold(event)
        assert answer.end is not None, "the stream ended without the answer"
        return answer

    def follow_until(self, generation: str, length: int) -> Answer:
        """Until there is so much text; then the connection is cut."""
        answer = Answer()
        with self.stream(generation) as events:
            while len(answer.answer) < length:
                answer.fold(next(events))
        return answer

    def stored(self, generation: str) -> Json:
        found: Json = self.http.get(f"/generations/{generation}").json()
        return found


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif not line:
            if "event" in fields:
                yield Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
            fields = {}


def make_token(site: Site, who: str) -> tuple[str, str]:
    """By the settings page, as people do: the secret, and the token's number."""
    with site.visitor(who) as visitor:
        form = {"name": f"robot {uuid4().hex[:8]}", "csrfmiddlewaretoken": csrf_token(visitor)}
        page = visitor.post("/settings/tokens/", data=form).text
    secret = re.search(r'value="(tl_[A-Za-z0-9_-]+)"', page)
    number = re.search(r"/settings/tokens/(\d+)/revoke/", page)
    assert secret and number, page
    return secret[1], number[1]


def revoke_token(site: Site, who: str, token_id: str) -> None:
    """Once more is no error."""
    with site.visitor(who) as visitor:
        form = {"csrfmiddlewaretoken": csrf_token(visitor)}
        assert visitor.post(f"/settings/tokens/{token_id}/revoke/", data=form).status_code in (302, 404)


def csrf_token(visitor: httpx.Client) -> str:
    visitor.get("/settings/")
    return visitor.cookies["csrftoken"]
