"""Operators set rules in the admin: checked, with a secret that nobody reads, and a test that says what came of it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core import mail
from django.test import Client

from conversations.models import AlertDelivery, AlertEpisode, AlertRule
from tests.conversations.catalog.conftest import errors_of
from tests.conversations.conftest import browser
from tests.streaming.operations.rules import look, rule

RULES = "/admin/conversations/alertrule/"
SECRET = "a-secret-of-the-webhook"


def form(**changes: str) -> dict[str, str]:
    values = {"name": "Queue", "figure": "queue", "comparison": "above", "threshold": "10", "minutes": "2"}
    return {**values, "severity": "warning", "enabled": "on", "emails": "", "webhook_url": "", **changes}


def add(client: Client, **changes: str) -> dict[str, list[str]]:
    return errors_of(client.post(f"{RULES}add/", form(**changes)))


def change(client: Client, of: AlertRule, **changes: str) -> dict[str, list[str]]:
    return errors_of(client.post(f"{RULES}{of.pk}/change/", form(**changes)))


def press(client: Client, of: AlertRule) -> list[str]:
    """What the test said."""
    response = client.post(f"{RULES}{of.pk}/test/", follow=True)
    return [str(message) for message in response.context["messages"]]


def test_an_operator_makes_a_rule(as_otto: Client) -> None:
    assert add(as_otto, emails="otto@example.com, a@example.com", webhook_url="http://127.0.0.1:9/hook?token=1") == {}

    made = AlertRule.objects.get(name="Queue")
    assert made.recipients == ["otto@example.com", "a@example.com"]
    assert made.condition == "Questions that wait above 10 for 2 min"


@pytest.mark.parametrize(
    ("figure", "threshold", "sentence"),
    [
        ("errors", "100", "A percentage: from 0 to less than 100."),
        ("budget", "-1", "A percentage: from 0 to less than 100."),
        ("first_token", "3600", "Seconds: from 0 to less than 3,600."),
        ("server_down", "1", "A server is up (0) or down (1): say “above 0”."),
        ("queue", "1e9", "A number of questions: from 0 to less than a million."),
    ],
)
def test_a_threshold_out_of_range_is_refused_at_its_field(
    as_otto: Client, figure: str, threshold: str, sentence: str
) -> None:
    assert add(as_otto, figure=figure, threshold=threshold) == {"threshold": [sentence]}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("threshold", {"comparison": "below", "threshold": "0"}),
        ("threshold", {"threshold": "nan"}),
        ("comparison", {"figure": "server_down", "comparison": "below", "threshold": "0.5"}),
        ("minutes", {"minutes": "1441"}),
        ("emails", {"emails": "otto@example.com, otto"}),
        ("emails", {"emails": ",".join(f"o{number}@example.com" for number in range(21))}),
        ("webhook_url", {"webhook_url": "http://169.254.169.254/latest"}),
        ("webhook_url", {"webhook_url": "ftp://127.0.0.1/"}),
        ("webhook_url", {"webhook_url": "http://user:password@127.0.0.1/"}),
        ("webhook_url", {"webhook_url": "http://2852039166/"}),
        ("webhook_url", {"webhook_url": "hooks.example"}),
        ("name", {"name": ""}),
    ],
)
def test_nonsense_is_refused_at_its_field(as_otto: Client, field: str, values: dict[str, str]) -> None:
    assert list(add(as_otto, **values)) == [field]


def test_no_recipients_is_allowed_and_said(as_otto: Client) -> None:
    assert "shown on the operators' pages only" in as_otto.get(f"{RULES}add/").content.decode()

    assert add(as_otto) == {}

    assert "the operators&#x27; pages only" in as_otto.get(RULES).content.decode()


# The secret


def test_the_secret_is_kept_replaced_and_removed_and_never_shown(as_otto: Client, as_watcher: Client) -> None:
    kept = rule(webhook_secret=SECRET)

    for client, page in ((as_otto, f"{RULES}{kept.pk}/change/"), (as_watcher, f"{RULES}{kept.pk}/change/")):
        assert SECRET not in client.get(page).content.decode()
    assert change(as_otto, kept) == {} and stored(kept) == SECRET
    assert list(change(as_otto, kept, webhook_secret="new", remove_secret="on")) == ["webhook_secret"]
    assert change(as_otto, kept, webhook_secret="new") == {} and stored(kept) == "new"
    assert change(as_otto, kept, remove_secret="on") == {} and stored(kept) == ""


def test_nobody_can_guess_it_by_searching(as_otto: Client) -> None:
    assert as_otto.get(f"{RULES}?webhook_secret__startswith=a").status_code == 400
    episodes = as_otto.get("/admin/conversations/alertepisode/?rule__webhook_secret__startswith=a")
    assert episodes.status_code == 400


def stored(of: AlertRule) -> str:
    of.refresh_from_db()
    return of.webhook_secret


@pytest.fixture
def as_watcher(bob: User) -> Client:
    """Bob may look at rules, and change nothing."""
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_alertrule"))
    return browser(bob)


# The test


def test_a_test_is_mailed(as_otto: Client) -> None:
    mailed = rule(emails="otto@example.com", enabled=False)

    assert press(as_otto, mailed) == ["A test was sent to otto@example.com."]

    (sent,) = mail.outbox
    assert sent.subject == "[Throughline] Test of the alert “A long queue”"
    assert "Nothing is wrong" in str(sent.body)
    assert AlertEpisode.objects.count() == AlertDelivery.objects.count() == 0


def test_a_webhook_that_is_away_is_said(as_otto: Client) -> None:
    away = rule(webhook_url="http://127.0.0.1:9/hook-with-a-secret")

    (said,) = press(as_otto, away)

    assert said == "The test by webhook failed. The webhook cannot be reached (ConnectError)."


def test_without_recipients_it_says_so(as_otto: Client) -> None:
    assert press(as_otto, rule()) == ["Nobody to send it to: this alert is shown on the operators' pages only."]


@pytest.mark.usefixtures("printing")
def test_printed_mails_are_said_to_reach_nobody(as_otto: Client, capsys: pytest.CaptureFixture[str]) -> None:
    mailed = rule(emails="otto@example.com")

    (said,) = press(as_otto, mailed)

    assert said.startswith("The test by email failed. EMAIL_URL is not set")
    assert "EMAIL_URL is not set" in as_otto.get(f"{RULES}{mailed.pk}/change/").content.decode()
    assert "email (reaches nobody)" in as_otto.get(RULES).content.decode()


def test_only_who_may_change_rules_may_test_them(as_watcher: Client, otto: User, as_otto: Client) -> None:
    mailed = rule(emails="otto@example.com")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(otto)
    button = f"{RULES}{mailed.pk}/test/"

    assert as_watcher.post(button).status_code == strict.post(button).status_code == 403
    assert as_otto.get(button).status_code == 405
    assert as_otto.post(f"{RULES}0/test/").status_code == 404
    assert mail.outbox == []
    assert "Send a test" in as_otto.get(f"{RULES}{mailed.pk}/change/").content.decode()
    assert "Send a test" not in as_watcher.get(f"{RULES}{mailed.pk}/change/").content.decode()


# What became of it


def test_episodes_and_deliveries_are_read_and_never_written(as_otto: Client) -> None:
    broken = rule(emails="otto@example.com")
    look(broken, 0, 40)
    AlertDelivery.objects.update(last_error="The mail server cannot be reached.")

    for page, words in (("alertepisode", "Questions that wait: 40."), ("alertdelivery", "cannot be reached")):
        listed = f"/admin/conversations/{page}/"
        assert words in as_otto.get(listed).content.decode()
        assert as_otto.get(f"{listed}add/").status_code == 403


def test_operators_get_the_permissions_by_their_group(db: None) -> None:
    held = set(Group.objects.get(name="operators").permissions.values_list("codename", flat=True))

    assert {f"{act}_alertrule" for act in ("view", "add", "change", "delete")} < held
    assert {"view_alertepisode", "view_alertdelivery"} < held
    assert "change_alertepisode" not in held


@pytest.mark.parametrize("page", ["alertrule", "alertepisode", "alertdelivery"])
def test_reviewers_see_none_of_it(rita: User, page: str) -> None:
    assert browser(rita).get(f"/admin/conversations/{page}/").status_code == 403
