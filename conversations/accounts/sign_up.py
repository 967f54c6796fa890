"""Sign-up (which can be closed), sign-in limits, the groups and the demo accounts."""

from __future__ import annotations

import re
import secrets
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest
from django.shortcuts import render

from .mail import mails_reach_nobody
from .sign_in_limits import Attempt

UNKNOWN = IPv4Address("0.0.0.0")
WITH_PORT = re.compile(r"(?P<v4>[^:]+):\d+|\[(?P<v6>.+)\](:\d+)?")
REVIEWERS = "reviewers"
OPERATORS = "operators"
EDITED = ("alertrule", "budget", "modelserver", "tier", "stage", "pipeline", "pipelinestage")
EDIT_TIERS = tuple(f"{act}_{model}" for model in EDITED for act in ("view", "add", "change", "delete"))
GROUP_PERMISSIONS = {
    REVIEWERS: ("review_conversation", "view_conversation", "view_review", "view_accesslogentry"),
    OPERATORS: (
        *("watch_operations", "steer_operations"),
        *("view_ledgerentry", "view_alertepisode", "view_alertdelivery"),
        *EDIT_TIERS,
    ),
}
DEMO_GROUPS = {"user": None, "reviewer": REVIEWERS, "operator": OPERATORS, "admin": None}


class AccountAdapter(DefaultAccountAdapter):
    _attempt: Attempt

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGN_UP_OPEN)

    def is_safe_url(self, url: str) -> bool:
        """Check the target of ``?next=``. allauth's version raises ValueError for malformed URLs such as ``http://[``."""
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            return False

    def get_login_stages(self) -> list[str]:
        return [f"{__name__}.VerificationOfSignUps", *(s for s in super().get_login_stages() if "EmailVer" not in s)]

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Show a page if no mail can be sent. Logging the email would hand its link to whoever reads the log."""
        if mails_reach_nobody() and not settings.DEBUG:
            raise ImmediateHttpResponse(render(context.get("request"), "account/no_mail.html", status=503))
        super().send_mail(template_prefix, email, context)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the outermost of TRUSTED_PROXIES saw, or the first one in the header if fewer wrote.

        Falls back on the connection's address if that is missing or malformed, then on UNKNOWN, which all such clients
        share. IPv4-mapped addresses (::ffff:192.0.2.1) become IPv4: all of them are in one /64.
        """
        proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[-proxies:][0] if proxies else ""
        address = address_in(forwarded) or address_in(request.META.get("REMOTE_ADDR", "")) or UNKNOWN
        return str(getattr(address, "ipv4_mapped", None) or address)

    # Attempts to sign in

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError after too many failures."""
        self._attempt = self._attempt_of(request, credentials)
        if settings.ACCOUNT_RATE_LIMITS is not False:
            self._attempt.begin()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        self._attempt.fail()

    def _rollback_login_failed_rl_usage(self) -> None:
        """allauth calls this when a sign-in succeeded."""
        self._attempt.succeed()

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """allauth calls this when a password was reset by email."""
        self._attempt_of(request, credentials).forgive()

    def _attempt_of(self, request: HttpRequest, credentials: dict[str, Any]) -> Attempt:
        login = credentials.get("email") or credentials.get("username") or ""
        return Attempt(login, network_of(self.get_client_ip(request)))


def address_in(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address with or without a port, such as 192.0.2.1:4711 or [2001:db8::1]:4711. None if malformed."""
    found = WITH_PORT.fullmatch(text.strip())
    try:
        return ip_address(found["v4"] or found["v6"] if found else text.strip())
    except ValueError:
        return None


def network_of(address: str) -> str:
    """The /64 network of an IPv6 address, since one client usually has all of it; an IPv4 address as it is."""
    if ":" not in address:
        return address
    return str(IPv6Network((address, 64), strict=False).network_address)


class VerificationOfSignUps(EmailVerificationStage):
    """Verifies the email address only of users who signed up here, not of accounts that administrators made."""

    def handle(self) -> Any:
        assert self.login.user is not None
        signed_up = EmailAddress.objects.filter(user_id=self.login.user.pk).exists()
        return super().handle() if signed_up else (None, True)  # type: ignore[no-untyped-call]


def ensure_groups() -> None:
    """Create the groups and add their permissions. Keeps permissions that an admin added."""
    for name, codenames in GROUP_PERMISSIONS.items():
        group, _ = Group.objects.get_or_create(name=name)
        permissions = Permission.objects.filter(content_type__app_label="conversations", codename__in=codenames)
        group.permissions.add(*permissions)


def ensure_demo_accounts() -> tuple[list[str], str]:
    """Return the names of the created accounts, and their password. Existing accounts change only if DEMO_PASSWORD is
    set."""
    ensure_groups()
    password = settings.DEMO_PASSWORD or secrets.token_urlsafe(9)
    made = [name for name in DEMO_GROUPS if ensure_demo_account(name, password)]
    return made, password


def ensure_demo_account(name: str, password: str) -> bool:
    """Return True if the account was created."""
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
