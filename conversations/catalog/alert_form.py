"""The form of an alert's rule. Its webhook's secret is written, never read."""

from __future__ import annotations

from django import forms

from conversations.models import AlertRule
from conversations.models.encrypted import Unreadable

from .addresses import RefusedAddress, resolve
from .secret_form import SecretForm, secret_field


class AlertRuleForm(SecretForm):
    secret, remover, what = "webhook_secret", "remove_secret", "secret"

    webhook_secret = secret_field("Webhook's secret", "Signs each message (HMAC-SHA256).", max_length=200)
    remove_secret = forms.BooleanField(label="Remove the secret", required=False)

    class Meta:
        model = AlertRule
        fields = (
            "name", "figure", "comparison", "threshold", "minutes", "severity", "enabled", "emails", "webhook_url",
            "webhook_secret", "remove_secret",
        )  # fmt: skip

    def clean_webhook_url(self) -> str:
        """A name that nobody knows yet is accepted, and one that leads to a refused address is not."""
        url = str(self.cleaned_data["webhook_url"]).strip()
        if not url and isinstance(self.instance.webhook_url, Unreadable):
            return self.instance.webhook_url
        try:
            if url:
                resolve(url)
        except RefusedAddress as error:
            raise forms.ValidationError(str(error)) from error
        except (OSError, ValueError):
            pass  # the model says what is wrong with the address itself
        return url
