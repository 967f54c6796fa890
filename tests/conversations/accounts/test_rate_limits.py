"""Guessing passwords is limited, at every door; and behind a proxy each client for itself."""

import re
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache.backends.redis import RedisCacheClient
from django.test import Client, RequestFactory
from pytest_django import Settings
from redis import Redis
from redis.exceptions import ConnectionError

from conversations.accounts.sign_in_limits import WINDOW_S
from conversations.accounts.sign_up import UNKNOWN, AccountAdapter

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def limits(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = SimpleNamespace(time=lambda: 1e9)  # no window ends
    monkeypatch.setattr("conversations.accounts.sign_in_limits.time", standing)
    settings.ACCOUNT_RATE_LIMITS = {"login": "1000/m/ip"}
    settings.SIGN_IN_FAILURES, settings.SIGN_IN_FAILURES_PER_ADDRESS, settings.SIGN_IN_FAILURES_PER_ACCOUNT = 5, 12, 20


OWNERS, STRANGERS = "203.0.113.1", "198.51.100.7"


def sign_in(address: str, password: str = "secret", name: str = "alice") -> bool:
    client = Client(REMOTE_ADDR=address)
    client.post(LOGIN, {"login": name, "password": password})
    return "_auth_user_id" in client.session


def guess(times: int, address: str = STRANGERS, name: str = "alice") -> None:
    for _ in range(times):
        sign_in(address, "wrong", name)


def test_after_some_guesses_the_right_password_does_not_help_either(client: Client, alice: User) -> None:
    guess(5, "127.0.0.1")

    response = client.post(LOGIN, {"login": "alice", "password": "secret"})

    assert re.search(r"Too many failed attempts to sign in\. Try again in \d+ minutes?\.", response.content.decode())
    assert "_auth_user_id" not in client.session


def test_the_next_window_begins_anew(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    guess(6)
    monkeypatch.setattr("conversations.accounts.sign_in_limits.time", SimpleNamespace(time=lambda: 1e9 + WINDOW_S))

    assert sign_in(STRANGERS)


def test_fewer_guesses_do_not_matter(alice: User) -> None:
    guess(4)

    assert sign_in(STRANGERS)


def test_a_stranger_cannot_shut_the_owner_out(alice: User) -> None:
    guess(40)

    assert not sign_in(STRANGERS)
    assert sign_in(OWNERS)


def test_name_and_address_of_an_account_are_counted_together(alice: User) -> None:
    guess(3)
    guess(2, name="Alice@Example.com")

    assert not sign_in(STRANGERS)


def test_an_address_that_tries_many_accounts_is_bound_too(alice: User, bob: User) -> None:
    for number in range(12):
        guess(1, name=f"user{number}")

    assert not sign_in(STRANGERS, name="bob")
    assert sign_in(OWNERS, name="bob")


def test_many_addresses_are_bound_and_the_owner_gets_in_where_the_account_is_known(alice: User) -> None:
    assert sign_in(OWNERS)
    for number in range(20):
        guess(1, f"192.0.2.{number}")

    assert not sign_in("192.0.2.200")
    assert sign_in(OWNERS)


def test_successes_are_not_counted(alice: User) -> None:
    assert all(sign_in(OWNERS) for _ in range(8))


def test_addresses_of_one_network_count_as_one(alice: User) -> None:
    for number in range(5):
        guess(1, f"2001:db8::{number}")

    assert not sign_in("2001:db8::9")
    assert sign_in("2001:db8:1::9")


def test_addresses_of_the_old_kind_are_told_apart_however_they_are_written(alice: User) -> None:
    guess(5, "::ffff:198.51.100.7")

    assert not sign_in("198.51.100.7")
    assert sign_in("::ffff:203.0.113.1")


def test_a_password_that_was_reset_by_mail_opens_at_once(alice: User) -> None:
    guess(6, "127.0.0.1")
    client = Client()
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    (link,) = re.findall(r"http://testserver(/\S+)", mail.outbox[0].body)
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": "new-secret-9", "password2": "new-secret-9"})

    assert sign_in("127.0.0.1", "new-secret-9")


def test_failures_are_logged_without_what_was_typed(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    sign_in(STRANGERS, "a-wrong-password")
    sign_in(STRANGERS, "a-wrong-password", "my-password-by-mistake")

    assert [record.getMessage() for record in caplog.records if "sign-in" in record.getMessage()] == [
        f"sign-in failed: account {alice.pk} from {STRANGERS}",
        f"sign-in failed: account unknown from {STRANGERS}",
    ]
    assert "a-wrong-password" not in caplog.text and "my-password" not in caplog.text


def test_redis_holds_no_names(alice: User) -> None:
    guess(1, name="alice@example.com")

    with Redis.from_url(settings.REDIS_URL) as redis:
        keys = b" ".join(redis.scan_iter("throughline:cache:*sign-in*"))
    assert keys and b"alice" not in keys and STRANGERS.encode() not in keys


def test_while_redis_is_away_this_process_counts_for_itself(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("away")

    for name in ("add", "get", "set", "delete", "incr"):
        monkeypatch.setattr(RedisCacheClient, name, away)
    guess(5)

    assert not sign_in(STRANGERS)
    assert sign_in(OWNERS)


def test_too_many_requests_get_a_page_that_says_so(client: Client, db: None, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}  # allauth's own
    for number in range(31):
        response = client.post(LOGIN, {"login": f"user{number}", "password": "wrong"})

    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def limited(settings: Settings, **limits: str) -> None:
    """As the settings have it, with smaller figures."""
    settings.ACCOUNT_RATE_LIMITS = {"login": "1000/m/ip", **limits}


def test_sign_ups_from_one_address_are_limited_whatever_the_client(db: None, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = True
    limited(settings, signup="2/h/ip")

    answers = [
        Client(REMOTE_ADDR=address).post("/accounts/signup/", {"username": "x"})
        for address in (OWNERS,) * 3 + (STRANGERS,)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert int(answers[2].headers["Retry-After"]) > 0


def test_mails_to_one_mailbox_are_limited_whoever_asks(alice: User, settings: Settings) -> None:
    limited(settings, reset_password="100/h/ip,2/h/key")

    for number in range(4):
        Client(REMOTE_ADDR=f"203.0.113.{number}").post("/accounts/password/reset/", {"email": "alice@example.com"})

    assert len(mail.outbox) == 2


def test_the_admin_has_no_door_without_limits(client: Client, alice: User) -> None:
    User.objects.update(is_staff=True)

    response = client.post("/admin/login/", {"username": "alice", "password": "secret"})

    assert response.headers["Location"].startswith(LOGIN)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(("proxies", "may"), [(1, True), (0, False)])
def test_behind_a_proxy_clients_are_told_apart(alice: User, settings: Settings, proxies: int, may: bool) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    proxy = Client(REMOTE_ADDR="10.0.0.1")
    for _ in range(6):
        proxy.post(LOGIN, {"login": "alice", "password": "wrong"}, headers={"X-Forwarded-For": "203.0.113.1"})

    proxy.post(LOGIN, {"login": "alice", "password": "secret"}, headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.2"})

    assert ("_auth_user_id" in proxy.session) is may


def test_who_invents_addresses_is_not_told_apart(alice: User, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    proxy = Client(REMOTE_ADDR="10.0.0.1")
    for number in range(6):
        headers = {"X-Forwarded-For": f"6.6.6.{number}, 203.0.113.1"}
        proxy.post(LOGIN, {"login": "alice", "password": "wrong"}, headers=headers)

    proxy.post(LOGIN, {"login": "alice", "password": "secret"}, headers={"X-Forwarded-For": "203.0.113.1"})

    assert "_auth_user_id" not in proxy.session


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.1", "10.0.0.1"),
        (1, "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        (2, "203.0.113.1, 10.0.0.2", "203.0.113.1"),
        (2, "203.0.113.1", "203.0.113.1"),  # one of them did not write
        (2, "", "10.0.0.1"),
        (1, "unknown", "10.0.0.1"),
        (1, "::ffff:203.0.113.1", "203.0.113.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "203.0.113.1:4711", "203.0.113.1"),
        (1, "[unknown]", "10.0.0.1"),
    ],
)
def test_whose_address_counts(settings: Settings, proxies: int, forwarded: str, address: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory(REMOTE_ADDR="10.0.0.1").get("/", headers={"X-Forwarded-For": forwarded})

    assert AccountAdapter().get_client_ip(request) == address


def test_who_connects_without_an_address_is_let_in(settings: Settings) -> None:
    request = RequestFactory(REMOTE_ADDR="").get("/")  # by a socket of the machine

    assert AccountAdapter().get_client_ip(request) == str(UNKNOWN)
