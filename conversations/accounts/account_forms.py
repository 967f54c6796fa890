"""allauth's forms, with what we ask besides.

A new password ends all other sessions, as Django does; and the tokens of programs, for who wants that.
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


LONGEST_LOGIN = 254  # characters, of an email address; SQLite refuses to look for what is far longer


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
    """By a link in a mail: somebody else may know the old one."""

    revoke_tokens = revoke_tokens(initial=True)
