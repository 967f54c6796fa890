"""The form of an alert's rule. Its webhook's secret is written, never read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from conversations.addresses import RefusedAddress, resolved
from conversations.models import AlertRule

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[AlertRule]
else:
    ModelForm = forms.ModelForm  # no generic when it runs

SECRET_HELP = "Signs each message (HMAC-SHA256). Empty: the stored one stays. No page shows it again."
BOTH = "Type a new secret or remove the stored one, not both."


class AlertRuleForm(ModelForm):
    webhook_secret = forms.CharField(
        label="Webhook's secret",
        required=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text=SECRET_HELP,
    )
    remove_secret = forms.BooleanField(label="Remove the secret", required=False)

    class Meta:
        model = AlertRule
        fields = (
            "name", "figure", "comparison", "threshold", "minutes", "severity", "enabled", "emails", "webhook_url",
            "webhook_secret", "remove_secret",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._stored = self.instance.webhook_secret
        self.initial.pop("webhook_secret", None)  # an empty field is then no change

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "webhook_secret" in cleaned:
            typed, removes = str(cleaned["webhook_secret"]), cleaned.get("remove_secret")
            if typed and removes:
                self.add_error("webhook_secret", BOTH)
            cleaned["webhook_secret"] = typed if typed or removes else self._stored
        return cleaned

    def clean_webhook_url(self) -> str:
        """A name that nobody knows yet is accepted, and one that leads to a refused address is not."""
        url = str(self.cleaned_data["webhook_url"]).strip()
        try:
            if url:
                resolved(url)
        except RefusedAddress as error:
            raise forms.ValidationError(str(error)) from error
        except (OSError, ValueError):
            pass  # the model says what is wrong with the address itself
        return url
