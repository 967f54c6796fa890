"""What is wrong now stands on the overview and on the page of alerts; what was, on that page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from conversations.models import AlertDelivery, AlertRule
from conversations.models.operations.alert_rule import Figure
from streaming.operations.alerts.delivery import deliver
from tests.streaming.operations.pages.test_overview import text_of
from tests.streaming.operations.rules import look, rule

ALERTS = "/ops/alerts/"
COUNT = '<span class="badge badge--danger">1<span class="visually-hidden"> open</span></span>'


def test_an_open_alert_is_on_both_pages_and_counted_in_the_navigation(operator: Client) -> None:
    look(rule(Figure.SERVER, 0, name="Down", emails="o@example.com"), 0, {"gpu-1": 1.0})
    AlertDelivery.objects.update(last_error="The mail server cannot be reached.", tries=2)

    for page in ("/ops/", ALERTS):
        text = text_of(operator, page)
        assert "Down.</strong> The model server gpu-1 is down." in text
        assert "Not sent by email (raised), 2 tries: The mail server cannot be reached." in text
        assert COUNT in text


def test_one_that_is_over_is_on_its_page_only(operator: Client) -> None:
    of = rule(name="Queue", emails="o@example.com")
    for at, value in enumerate((11, 1, 1)):
        look(of, at, value)
    AlertDelivery.objects.update(sent_at=of.episodes.get().ended_at)

    page = text_of(operator, ALERTS)

    assert "No open alerts." in page and COUNT not in page
    assert "Questions that wait: 11." in page
    assert "raised by email" in page and "recovered by email" in page
    assert "Questions that wait" not in text_of(operator)


def test_one_that_has_not_lasted_yet_is_not_shown(operator: Client) -> None:
    look(rule(minutes=5), 0, 11)

    assert "No open alerts." in text_of(operator, ALERTS)


def test_rules_are_links_for_who_may_change_them(operator: Client, otto: User) -> None:
    of = rule(name="Queue", enabled=False)
    link = f'href="/admin/conversations/alertrule/{of.pk}/change/"'
    assert link not in text_of(operator, ALERTS)

    User.objects.filter(pk=otto.pk).update(is_staff=True)

    page = text_of(operator, ALERTS)
    assert link in page and "these pages only" in page and '<span class="badge">off</span>' in page


def test_without_rules_it_says_that_nobody_is_told(operator: Client) -> None:
    AlertRule.objects.all().delete()

    assert "There are no rules: nobody is notified." in text_of(operator, ALERTS)


@pytest.mark.usefixtures("printing")
def test_a_mail_that_was_only_printed_is_not_called_sent(operator: Client, capsys: pytest.CaptureFixture[str]) -> None:
    look(rule(emails="o@example.com"), 0, 40)
    deliver()

    page = text_of(operator, ALERTS)

    assert "Questions that wait: 40." in capsys.readouterr().out
    assert "Not sent by email (raised), 1 try: EMAIL_URL is not set" in page
    assert "<td>email (reaches nobody)</td>" in page and "raised by email" not in page
    assert AlertDelivery.objects.get().sent_at is None


def test_where_mails_are_sent_nothing_is_said_of_it(operator: Client) -> None:
    rule(emails="o@example.com")

    assert "EMAIL_URL" not in text_of(operator, ALERTS)


@pytest.mark.parametrize("count", [1, 5])
def test_queries_do_not_grow_with_the_alerts(
    operator: Client, count: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    down = rule(Figure.SERVER, 0, emails="o@example.com")
    look(down, 0, {f"gpu-{number}": 1.0 for number in range(count)})
    look(down, 1, {})
    look(down, 2, {})
    look(down, 3, {f"gpu-{number}": 1.0 for number in range(count)})

    with django_assert_max_num_queries(11):
        operator.get(ALERTS)
