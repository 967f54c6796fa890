"""The groups of reviewers and operators."""

from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from conversations.accounts.sign_up import ensure_groups

REVIEW, WATCH = "conversations.review_conversation", "conversations.watch_operations"
STEER = "conversations.steer_operations"


def test_reviewers_review_and_operators_watch_and_neither_more(rita: User, otto: User) -> None:
    assert [rita.has_perm(name) for name in (REVIEW, WATCH, STEER)] == [True, False, False]
    assert [otto.has_perm(name) for name in (REVIEW, WATCH, STEER)] == [False, True, True]


def test_reviewers_have_no_permission_to_change_anything(rita: User) -> None:
    assert not [name for name in rita.get_all_permissions() if name.split(".")[1].startswith(("add", "change", "del"))]


def test_they_are_made_by_migrating_and_again_without_harm(db: None) -> None:
    Group.objects.all().delete()

    for _ in range(2):
        call_command("migrate", verbosity=0)

    assert set(Group.objects.values_list("name", flat=True)) == {"reviewers", "operators"}


def test_what_an_admin_added_to_a_group_stays(db: None) -> None:
    group = Group.objects.get(name="reviewers")
    group.permissions.add(Permission.objects.get(codename="view_user"))

    ensure_groups()

    assert group.permissions.filter(codename="view_user").exists()
