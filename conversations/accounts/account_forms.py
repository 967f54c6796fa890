"""allauth's forms, extended.

A new password ends all other sessions (Django does that) and, if the user ticks the box, revokes the API tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ResetPasswordKeyForm
from django import forms
from django.core.validators import MaxLengthValidator

from conversations.models import ApiToken

if TYPE_CHECKING:
    Base = forms.Form
else:
    Base = object


# The longest email address. SQLite refuses lookups of far longer strings.
LONGEST_LOGIN = 254  # characters


class SignIn(LoginForm):  # type: ignore[misc] # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["login"].validators.append(MaxLengthValidator(LONGEST_LOGIN))


class RevokesTokens(Base):
    user: Any

    def save(self) -> None:
        super().save()  # type: ignore[misc]
        if self.cleaned_data["revoke_tokens"]:
            ApiToken.objects.owned_by(self.user).delete()


def revoke_tokens(*, initial: bool) -> forms.BooleanField:
    return forms.BooleanField(label="Also revoke my API tokens", required=False, initial=initial)


class ChangePassword(RevokesTokens, ChangePasswordForm):  # type: ignore[misc] # allauth has no types
    revoke_tokens = revoke_tokens(initial=False)


class ResetPassword(RevokesTokens, ResetPasswordKeyForm):  # type: ignore[misc]
    """By a link in an email. Revokes tokens by default, because somebody else may know the old password."""

    revoke_tokens = revoke_tokens(initial=True)
