"""Rate limits for failed sign-ins, designed so that a stranger cannot lock out an account's owner.

Three limits, shared by all processes, in fixed windows:
- per account and address: locks out the guessing address, but not the account's owner elsewhere;
- per address, for all accounts;
- per account, for all addresses that never signed in to it: against distributed guessing. Addresses from which the
  owner has signed in before are exempt.
"""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db.models import Q

logger = logging.getLogger(__name__)

WINDOW_S = 15 * 60
ACCOUNT_WINDOW_S = 60 * 60
# How long an address that has signed in to an account stays exempt from the account's limit.
KNOWN_FOR_S = 90 * 24 * 3600


@dataclass(frozen=True)
class Bound:
    name: str
    of: str  # the account, the address, or both
    most: int
    window_s: int

    @property
    def key(self) -> str:
        return f"sign-in:{self.name.replace(' ', '-')}:{digest(self.of)}:{int(time.time()) // self.window_s}"

    @property
    def seconds_left(self) -> int:
        """Until the window ends."""
        return self.window_s - int(time.time()) % self.window_s

    def count(self) -> int:
        """Count one more failure, and return the number in this window."""
        cache.add(self.key, 0, timeout=self.window_s)
        try:
            return cache.incr(self.key)
        except ValueError:  # the window has just ended
            return 1

    def take_back(self) -> None:
        with suppress(ValueError):  # the window has ended
            cache.incr(self.key, -1)


class Attempt:
    """An attempt to sign in from a network address, with a user name or an email address."""

    def __init__(self, login: str, address: str):
        self.user_id = user_id_of(login)
        self.address = address
        # Unknown logins are counted like accounts, so that responses don't reveal which accounts exist.
        self._account = str(self.user_id or login.lower())
        self._counted: list[Bound] = []

    @property
    def bounds(self) -> list[Bound]:
        here = f"{self._account} {self.address}"
        bounds = [
            Bound("account and address", here, settings.SIGN_IN_FAILURES, WINDOW_S),
            Bound("address", self.address, settings.SIGN_IN_FAILURES_PER_ADDRESS, WINDOW_S),
        ]
        if not cache.get(self._known_key):
            most = settings.SIGN_IN_FAILURES_PER_ACCOUNT
            bounds.append(Bound("account", self._account, most, ACCOUNT_WINDOW_S))
        return bounds

    def begin(self) -> None:
        """Count the attempt as failed, so that concurrent guesses are limited too. Raises ValidationError."""
        for bound in self.bounds:
            count = bound.count()
            self._counted.append(bound)
            if count > bound.most:
                if count == bound.most + 1:
                    logger.warning("sign-in refused: too many failures by %s, %s", bound.name, self)
                raise ValidationError(format_wait(bound.seconds_left), code="too_many_login_attempts")

    def succeed(self) -> None:
        for bound in self._counted:
            bound.take_back()
        cache.set(self._known_key, 1, timeout=KNOWN_FOR_S)

    def fail(self) -> None:
        logger.warning("sign-in failed: %s", self)

    def forgive(self) -> None:
        """Reset the account's limits: the owner has proved ownership by other means."""
        for bound in self.bounds:
            if bound.name != "address":
                cache.delete(bound.key)

    def __str__(self) -> str:
        """For logs. Omits the typed login: people type passwords there."""
        return f"account {self.user_id or 'unknown'} from {self.address}"

    @property
    def _known_key(self) -> str:
        return f"sign-in:known:{digest(f'{self._account} {self.address}')}"


def user_id_of(login: str) -> int | None:
    """Look up by user name or email address, so that both share one count."""
    found = get_user_model().objects.filter(Q(username__iexact=login) | Q(email__iexact=login)).order_by("pk")
    return found.values_list("pk", flat=True).first()


def format_wait(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"Too many failed attempts to sign in. Try again in {minutes} minute{'' if minutes == 1 else 's'}."


def digest(text: str) -> str:
    """Keeps names and addresses out of Redis."""
    return hashlib.sha256(f"{settings.SECRET_KEY}{text}".encode()).hexdigest()[:32]
