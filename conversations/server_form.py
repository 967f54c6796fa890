"""The form of a model server. Its key is written, never read: a page shows only whether there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.addresses import RefusedAddress, checked, resolved
from conversations.models import ModelServer

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ModelServer]
else:
    ModelForm = forms.ModelForm  # no generic when it runs

KEY_HELP = "It is sent to this server as a bearer token. Empty: the stored one stays. No page shows it again."
BOTH = "Type a new key or remove the stored one, not both."
ELSEWHERE = "The stored key was for another host. Type the key of this one, or remove it."


class ModelServerForm(ModelForm):
    api_key = forms.CharField(
        label="API key",
        required=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text=KEY_HELP,
    )
    remove_key = forms.BooleanField(label="Remove the key", required=False)

    class Meta:
        model = ModelServer
        fields = ("name", "url", "api_key", "remove_key", "enabled", "max_parallel", "streams")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._stored = self.instance.api_key, origin(self.instance.url)
        self.initial.pop("api_key", None)  # an empty field is then no change

    def clean_url(self) -> str:
        """Completed. A name that nobody knows yet is accepted: its server may come later."""
        try:
            url = checked(self.cleaned_data["url"])
            resolved(url)
        except RefusedAddress as error:
            raise ValidationError(str(error)) from error
        except OSError:
            pass
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "api_key" in cleaned:
            cleaned["api_key"] = self._key(cleaned)
        return cleaned

    def _key(self, cleaned: dict[str, Any]) -> str:
        """The one to store. A key that was kept must not go to a host that somebody else has just typed."""
        stored, stored_for = self._stored
        typed, removes = str(cleaned["api_key"]), cleaned.get("remove_key")
        if typed and removes:
            self.add_error("api_key", BOTH)
        if typed or removes:
            return typed
        if stored and "url" in cleaned and origin(cleaned["url"]) != stored_for:
            self.add_error("api_key", ELSEWHERE)
        return stored


def origin(url: str) -> str:
    """Scheme, host and port."""
    return "/".join(url.lower().split("/")[:3])
