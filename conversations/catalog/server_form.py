"""The form of a model server. The API key is write-only: pages show only whether there is one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations.models import ModelServer

from .addresses import RefusedAddress, normalise, resolve
from .secret_form import SecretForm, secret_field

ELSEWHERE = "The stored key is for another host. Enter the key for this one, or remove it."


class ModelServerForm(SecretForm):
    secret, remover, what = "api_key", "remove_key", "key"

    api_key = secret_field("API key", "Sent to this server as a bearer token.", max_length=500)
    remove_key = forms.BooleanField(label="Remove the key", required=False)

    class Meta:
        model = ModelServer
        fields = ("name", "url", "api_key", "remove_key", "enabled", "max_parallel", "streams")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._stored_for = origin(self.instance.url)

    def clean_url(self) -> str:
        """Complete the address. Accepts a name that does not resolve yet: the server may be started later."""
        try:
            url = normalise(self.cleaned_data["url"])
            resolve(url)
        except RefusedAddress as error:
            raise ValidationError(str(error)) from error
        except OSError:
            pass
        return url

    def check_kept(self, cleaned: dict[str, Any]) -> None:
        """Never send a stored key to another host than it was entered for."""
        if self.stored and "url" in cleaned and origin(cleaned["url"]) != self._stored_for:
            self.add_error("api_key", ELSEWHERE)


def origin(url: str) -> str:
    """Scheme, host and port."""
    return "/".join(url.lower().split("/")[:3])
