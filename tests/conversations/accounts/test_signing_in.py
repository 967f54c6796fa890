"""Signing up, in and out; passwords; each page looks like the site's."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from pytest_django import Settings

from conversations.models import ApiToken

LOGIN = "/accounts/login/"
NEW = {"username": "carol", "email": "carol@example.com", "password1": "corr-horse-9", "password2": "corr-horse-9"}


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def open_site(settings: Settings) -> None:
    settings.SIGN_UP_OPEN = True


@pytest.mark.usefixtures("open_site")
def test_whoever_signs_up_is_in(client: Client, db: None) -> None:
    response = client.post("/accounts/signup/", NEW)

    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert signed_in(client)
    user = User.objects.get(username="carol")
    assert not (user.is_staff or user.is_superuser or user.groups.exists())


def test_sign_up_is_closed_unless_somebody_opens_it_and_says_so(client: Client, db: None, settings: Settings) -> None:
    settings.CONTACT = "it@example.com"

    page = client.get("/accounts/signup/")
    client.post("/accounts/signup/", NEW)

    assert (
        "created by administrators" in page.content.decode() and "Ask it@example.com for one" in page.content.decode()
    )
    assert "sign up</a>" not in client.get(LOGIN).content.decode()
    assert not User.objects.exists()


@pytest.mark.usefixtures("open_site")
def test_where_addresses_are_verified_nobody_is_in_before(client: Client, db: None, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    client.post("/accounts/signup/", NEW)
    was_in = signed_in(client)
    (link,) = re.findall(r"http://testserver(/\S+)", mail.outbox[0].body)
    client.post(link)
    client.post(LOGIN, {"login": "carol", "password": NEW["password1"]})

    assert (was_in, signed_in(client)) == (False, True)


def test_an_account_that_an_administrator_made_needs_no_verification(
    client: Client, alice: User, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    client.post(LOGIN, {"login": "alice", "password": "secret"})

    assert signed_in(client) and not mail.outbox


@pytest.mark.usefixtures("open_site")
@pytest.mark.parametrize("change", [{"password2": "other-horse-9"}, {"password1": "123", "password2": "123"}])
def test_a_bad_sign_up_is_told_why(client: Client, db: None, change: dict[str, str]) -> None:
    response = client.post("/accounts/signup/", NEW | change)

    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("login", ["alice", "alice@example.com", "Alice@Example.com"])
def test_one_signs_in_by_name_or_address(client: Client, alice: User, login: str) -> None:
    client.post(LOGIN, {"login": login, "password": "secret"})

    assert signed_in(client)


@pytest.mark.parametrize("login", ["alice", "nobody"])
def test_a_wrong_name_or_password_is_told_alike(client: Client, alice: User, login: str) -> None:
    html = client.post(LOGIN, {"login": login, "password": "wrong"}).content.decode()

    assert "The username and/or password you specified are not correct." in html
    assert not signed_in(client)


@pytest.mark.parametrize("login", ["x" * 60_000, "x" * 60_000 + "@example.com"])
def test_a_name_longer_than_any_is_refused(client: Client, db: None, login: str) -> None:
    response = client.post(LOGIN, {"login": login, "password": "secret"})

    assert "at most 254 characters" in response.content.decode()


@pytest.mark.parametrize(
    ("wanted", "got"),
    [("/settings/", "/settings/"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("javascript:0", "/")],
)
def test_one_is_led_on_within_the_site_only(client: Client, alice: User, wanted: str, got: str) -> None:
    response = client.post(LOGIN, {"login": "alice", "password": "secret", "next": wanted})

    assert response.headers["Location"] == got


def test_signing_out_takes_a_form(as_alice: Client) -> None:
    asked = as_alice.get("/accounts/logout/")
    still_in = signed_in(as_alice)
    as_alice.post("/accounts/logout/")

    assert (asked.status_code, still_in) == (200, True)
    assert not signed_in(as_alice)


def test_an_inactive_user_does_not_get_in(client: Client, alice: User) -> None:
    User.objects.update(is_active=False)

    response = client.post(LOGIN, {"login": "alice", "password": "secret"}, follow=True)

    assert not signed_in(client)
    assert "inactive" in response.content.decode().lower()


def test_a_forgotten_password_is_made_anew_by_mail(client: Client, alice: User) -> None:
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    (link,) = re.findall(r"http://testserver(/\S+)", mail.outbox[0].body)

    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": "new-secret-9", "password2": "new-secret-9"})

    alice.refresh_from_db()
    assert alice.check_password("new-secret-9")


def test_a_reset_does_not_tell_who_has_an_account(client: Client, alice: User) -> None:
    answers = [client.post("/accounts/password/reset/", {"email": f"{name}@example.com"}) for name in ("alice", "zoe")]

    assert [answer.headers["Location"] for answer in answers] == ["/accounts/password/reset/done/"] * 2


def test_without_mail_the_page_says_whom_to_ask_and_no_link_is_logged(
    client: Client, alice: User, settings: Settings, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND, settings.CONTACT = "conversations.accounts.mail.Unsent", "it@example.com"

    page = client.get("/accounts/password/reset/").content.decode()
    answer = client.post("/accounts/password/reset/", {"email": "alice@example.com"})

    for html in (page, answer.content.decode()):
        assert "can't send email" in html and "it@example.com" in html
    assert answer.status_code == 503 and not mail.outbox
    assert "/accounts/password/reset/key/" not in f"{caplog.text}{capfd.readouterr()}"


def test_a_new_password_keeps_this_session_and_ends_the_others(client: Client, alice: User) -> None:
    other = Client()
    for browser in (client, other):
        browser.post(LOGIN, {"login": "alice", "password": "secret"})

    new = {"oldpassword": "secret", "password1": "new-secret-9", "password2": "new-secret-9"}
    client.post("/accounts/password/change/", new)

    assert [browser.get("/settings/").status_code for browser in (client, other)] == [200, 302]


@pytest.mark.parametrize(("ticked", "left"), [({"revoke_tokens": "on"}, 1), ({}, 2)])
def test_a_new_password_revokes_tokens_on_request(
    as_alice: Client, alice: User, bob: User, ticked: dict[str, str], left: int
) -> None:
    for user in (alice, bob):
        ApiToken.make(user, "laptop")
    new = {"oldpassword": "secret", "password1": "new-secret-9", "password2": "new-secret-9"}

    page = as_alice.get("/accounts/password/change/").content.decode()
    as_alice.post("/accounts/password/change/", new | ticked)

    assert 'name="revoke_tokens"' in page and "checked" not in page
    assert ApiToken.objects.count() == left
    assert ApiToken.objects.filter(user=bob).exists()


def test_a_reset_by_mail_offers_to_revoke_them_and_does(client: Client, alice: User) -> None:
    ApiToken.make(alice, "laptop")
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    (link,) = re.findall(r"http://testserver(/\S+)", mail.outbox[0].body)
    form = client.get(link, follow=True)

    new = {"password1": "new-secret-9", "password2": "new-secret-9", "revoke_tokens": "on"}
    client.post(form.request["PATH_INFO"], new)

    assert re.search(r'<input[^>]*name="revoke_tokens"[^>]*checked', form.content.decode())
    assert not ApiToken.objects.exists()


STRANGERS = ["login", "signup", "password/reset", "password/reset/done", "inactive", "confirm-email"]
STRANGERS += ["password/reset/key/1-bad", "password/reset/key/done", "confirm-email/bad"]
USERS = ["logout", "password/change", "email", "reauthenticate"]


@pytest.mark.parametrize("page", STRANGERS)
def test_every_page_for_strangers_is_one_of_ours(client: Client, db: None, page: str) -> None:
    assert_ours(client.get(f"/accounts/{page}/").content.decode())


@pytest.mark.parametrize("page", USERS)
def test_every_page_for_users_is_one_of_ours(as_alice: Client, page: str) -> None:
    assert_ours(as_alice.get(f"/accounts/{page}/", follow=True).content.decode())


def assert_ours(html: str) -> None:
    assert 'class="topbar"' in html and "css/base/form.css" in html
    assert re.search(r"<title>\s*\S.* · Throughline</title>", html, re.DOTALL)
    assert len(re.findall(r"<h1", html)) == 1
    assert " style=" not in html and "<script>" not in html  # the CSP allows neither
