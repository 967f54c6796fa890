"""Who may come in: sign-up that can be closed, the groups, the demo accounts."""

from __future__ import annotations

import secrets

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest

REVIEWERS = "reviewers"
OPERATORS = "operators"
EDITED = ("alertrule", "budget", "modelserver", "tier", "stage", "pipeline", "pipelinestage")
EDIT_TIERS = tuple(f"{act}_{what}" for what in EDITED for act in ("view", "add", "change", "delete"))
GROUP_PERMISSIONS = {
    REVIEWERS: ("review_conversation", "view_conversation", "view_review", "view_look"),
    OPERATORS: (
        *("watch_operations", "steer_operations"),
        *("view_ledgerentry", "view_alertepisode", "view_alertdelivery"),
        *EDIT_TIERS,
    ),
}
DEMO_GROUPS = {"user": None, "reviewer": REVIEWERS, "operator": OPERATORS, "admin": None}


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGN_UP_OPEN)


def ensure_groups() -> None:
    """Make the groups with their permissions; others that an admin gave them stay."""
    for name, codenames in GROUP_PERMISSIONS.items():
        group, _ = Group.objects.get_or_create(name=name)
        permissions = Permission.objects.filter(content_type__app_label="conversations", codename__in=codenames)
        group.permissions.add(*permissions)


def ensure_demo_accounts() -> tuple[list[str], str]:
    """The accounts that were made, and their password; existing ones only follow a DEMO_PASSWORD that is set."""
    ensure_groups()
    password = settings.DEMO_PASSWORD or secrets.token_urlsafe(9)
    made = [name for name in DEMO_GROUPS if ensure_demo_account(name, password)]
    return made, password


def ensure_demo_account(name: str, password: str) -> bool:
    """True if it was made."""
    account, made = get_user_model().objects.get_or_create(username=name, defaults={"email": f"{name}@example.com"})
    assert isinstance(account, User)
    if not (made or settings.DEMO_PASSWORD):
        return False
    if not account.check_password(password):
        account.set_password(password)
    account.is_staff = name != "user"
    account.is_superuser = name == "admin"
    account.save()
    if group := DEMO_GROUPS[name]:
        account.groups.add(Group.objects.get(name=group))
    return made
