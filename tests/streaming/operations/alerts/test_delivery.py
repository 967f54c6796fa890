"""Each episode is told once on each way, and once more when it is over, whoever is killed and whatever fails."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from smtplib import SMTPServerDisconnected
from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from conversations.models import AlertDelivery, AlertEpisode, AlertRule
from conversations.models.operations.alert_delivery import GIVEN_UP_AFTER, delay_after
from streaming.operations.alerts import delivery, webhook
from streaming.operations.alerts.delivery import deliver
from tests.streaming.operations.rules import look, minute, rule

pytestmark = pytest.mark.django_db


class Hook(HTTPServer):
    """A webhook: what it got, and the status with which it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?token=secret"


class Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({"path": self.path, **self.headers}, body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def broken(**fields: Any) -> AlertRule:
    """A rule with an open episode."""
    long_queue = rule(**fields)
    look(long_queue, 0, 40)
    return long_queue


def errors() -> list[str]:
    return list(AlertDelivery.objects.order_by("pk").values_list("last_error", flat=True))


def after(minutes: float) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


# What is sent


def test_an_alert_and_its_recovery_are_mailed_once_each() -> None:
    long_queue = broken(emails="otto@example.com, ops@example.com")
    for _ in range(3):
        deliver(minute(1))
    look(long_queue, 2, 1)
    look(long_queue, 3, 1)
    for _ in range(3):
        deliver(minute(3))

    raised, recovered = mail.outbox
    assert raised.to == ["otto@example.com", "ops@example.com"]
    assert raised.subject == "[Throughline] Warning: A long queue"
    assert "Questions that wait: 40. Condition: Questions that wait above 10." in str(raised.body)
    assert recovered.subject == "[Throughline] Resolved: A long queue"


def test_a_webhook_gets_the_documented_fields(hook: Hook) -> None:
    broken(webhook_url=hook.url, severity="critical")

    deliver(minute(1))

    ((headers, body),) = hook.got
    told = json.loads(body)
    assert headers["path"] == "/hook?token=secret" and webhook.SIGNATURE not in headers
    assert told.pop("id").startswith("alert-") and told.pop("sent_at") and told.pop("text")
    assert told == {
        "event": "raised", "rule": "A long queue", "severity": "critical", "figure": "queue", "subject": "",
        "comparison": "above", "threshold": 10, "value": 40, "worst": 40, "began_at": minute(0).isoformat(),
        "raised_at": minute(0).isoformat(), "ended_at": None,
    }  # fmt: skip


def test_a_secret_signs_the_body(hook: Hook) -> None:
    broken(webhook_url=hook.url, webhook_secret="s3cret")

    deliver(minute(1))

    ((headers, body),) = hook.got
    assert headers[webhook.SIGNATURE] == f"sha256={hmac.new(b's3cret', body, hashlib.sha256).hexdigest()}"


def test_nobody_is_told_of_a_rule_without_recipients() -> None:
    broken()

    deliver(minute(1))

    assert mail.outbox == [] and AlertDelivery.objects.count() == 0


# What fails


def test_what_fails_is_tried_again_later_and_said_meanwhile(hook: Hook) -> None:
    broken(webhook_url=hook.url, emails="otto@example.com")
    hook.status = 500

    deliver(after(0))
    deliver(after(0.9))
    assert len(hook.got) == 1
    assert errors() == ["", "The webhook answered with status 500."]
    hook.status = 200
    deliver(after(1.1))
    deliver(after(200))

    first, second = (json.loads(body)["id"] for _, body in hook.got)
    assert first == second
    assert errors() == ["", ""] and len(mail.outbox) == 1


def test_the_delay_doubles_up_to_an_hour() -> None:
    minutes = [delay_after(tries).total_seconds() / 60 for tries in range(1, 9)]

    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]
    assert delay_after(32_000) == timedelta(hours=1)


def test_a_recovery_waits_for_its_alert_to_be_told(hook: Hook) -> None:
    long_queue = broken(webhook_url=hook.url)
    hook.status = 500
    deliver(after(0))
    look(long_queue, 1, 1)
    look(long_queue, 2, 1)
    hook.status = 200

    deliver(after(0.1))
    assert len(hook.got) == 1
    deliver(after(1.1))
    deliver(after(1.2))

    assert [json.loads(body)["event"] for _, body in hook.got] == ["raised", "raised", "recovered"]


def test_after_a_day_it_is_given_up(hook: Hook) -> None:
    broken(webhook_url=hook.url)

    deliver(minute(1) + GIVEN_UP_AFTER)

    assert hook.got == []


def test_who_was_killed_while_sending_has_it_sent_by_the_next(hook: Hook) -> None:
    broken(webhook_url=hook.url)
    (mine,) = AlertDelivery.objects.due(after(0))
    assert mine.claim(after(0))  # and killed

    deliver(after(0.5))
    assert hook.got == []
    deliver(after(1.1))

    assert len(hook.got) == 1


def test_a_slow_mail_server_is_not_asked_a_second_time_meanwhile() -> None:
    """Each of its forty steps may take ten seconds."""
    broken(emails="otto@example.com")
    (slow,) = AlertDelivery.objects.due(after(0))
    assert slow.claim(after(0))

    deliver(after(40 * settings.EMAIL_TIMEOUT / 60))
    assert mail.outbox == []
    deliver(after(10.1))

    assert len(mail.outbox) == 1


def test_a_failure_that_is_noted_too_late_changes_nothing(hook: Hook) -> None:
    broken(webhook_url=hook.url)
    (late,) = AlertDelivery.objects.due(after(0))
    assert late.claim(after(0))
    (other,) = AlertDelivery.objects.due(after(2))
    assert other.claim(after(2))

    late.fail("Too late.", after(2.1))

    assert errors() == [""] and not AlertDelivery.objects.due(after(2.9))


def test_who_was_killed_before_sending_was_noted_has_lost_nothing(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The episode is raised and its messages are noted in one transaction."""

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    long_queue = rule(webhook_url=hook.url)
    with monkeypatch.context() as patched:
        patched.setattr(AlertEpisode, "_create_deliveries", die)
        with pytest.raises(Killed):
            look(long_queue, 0, 40)
    look(long_queue, 1, 40)
    deliver(minute(1))

    assert len(hook.got) == 1


@pytest.mark.django_db(transaction=True)
def test_many_who_deliver_at_once_send_it_once(hook: Hook) -> None:
    broken(webhook_url=hook.url)
    barrier = Barrier(6)

    def one() -> None:
        barrier.wait()
        deliver(minute(1))
        connection.close()

    threads = [Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(hook.got) == 1


def test_a_mail_server_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise SMTPServerDisconnected("secret.host")

    monkeypatch.setattr(EmailMessage, "send", refuse)
    broken(emails="otto@example.com")

    deliver(minute(1))

    assert errors() == ["The mail server refused it (SMTPServerDisconnected)."]


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    broken(webhook_url=hook.url)
    hook.status = 307

    deliver(minute(1))

    assert len(hook.got) == 1
    assert errors() == ["The webhook answered with status 307: it redirects, and redirects are not followed."]


def test_a_webhook_that_has_come_to_lead_to_metadata_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [row])
    broken(webhook_url="http://hooks.example/")

    deliver(minute(1))

    (said,) = errors()
    assert said.startswith("hooks.example resolves to 169.254.169.254")


def test_a_silent_webhook_is_given_up_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broken(webhook_url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        deliver(minute(1))

    assert errors() == ["The webhook did not answer within 0.3 s."]
    assert delivery.AlertDelivery.objects.get().tries == 1
