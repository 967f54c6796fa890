"""`manage.py create_demo_accounts`: for DEBUG only, and as often as one likes."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

pytestmark = pytest.mark.django_db
NAMES = ["admin", "operator", "reviewer", "user"]


@pytest.fixture(autouse=True)
def debug(settings: Settings) -> None:
    settings.DEBUG = True
    settings.DEMO_PASSWORD = ""


def create() -> str:
    said = StringIO()
    call_command("create_demo_accounts", stdout=said)
    return said.getvalue()


def passwords() -> list[str]:
    return list(User.objects.order_by("username").values_list("password", flat=True))


def test_there_is_one_for_each_role() -> None:
    create()

    users = User.objects.order_by("username")
    assert [user.username for user in users] == NAMES
    assert [(user.is_staff, user.is_superuser) for user in users] == [
        (True, True),
        (True, False),
        (True, False),
        (False, False),
    ]
    assert [[group.name for group in user.groups.all()] for user in users] == [[], ["operators"], ["reviewers"], []]


def test_the_printed_password_is_theirs() -> None:
    password = create().strip().rpartition("password: ")[2]

    assert all(user.check_password(password) for user in User.objects.all())


def test_a_second_run_keeps_their_passwords_and_prints_none() -> None:
    create()
    before = passwords()

    said = create()

    assert "password: " not in said
    assert "with the password that was printed when they were made" in said
    assert passwords() == before


def test_a_password_that_is_set_becomes_theirs_and_they_get_their_roles_back(settings: Settings) -> None:
    create()
    User.objects.update(is_staff=False, is_superuser=False)
    settings.DEMO_PASSWORD = "a-chosen-one"

    said = create()

    assert "a-chosen-one" not in said
    assert all(user.check_password("a-chosen-one") for user in User.objects.all())
    assert User.objects.filter(is_staff=True).count() == 3


def test_only_new_ones_are_said_to_have_the_new_password() -> None:
    create()
    User.objects.get(username="operator").delete()

    said = create()

    assert "Demo accounts operator, password: " in said
    assert "Demo accounts user, reviewer, admin, with the password that was printed" in said


def test_sessions_outlive_a_run_that_changes_nothing(settings: Settings) -> None:
    settings.DEMO_PASSWORD = "a-chosen-one"
    create()
    before = passwords()

    create()

    assert passwords() == before


def test_outside_debug_there_are_none(settings: Settings) -> None:
    settings.DEBUG = False

    with pytest.raises(CommandError, match="DEBUG only"):
        create()

    assert not User.objects.exists()
