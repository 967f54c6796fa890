"""The form of an alert rule. The webhook secret is write-only."""

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
        """Accept a name that does not resolve yet, but not one that resolves to a refused address."""
        url = str(self.cleaned_data["webhook_url"]).strip()
        if not url and isinstance(self.instance.webhook_url, Unreadable):
            return self.instance.webhook_url
        try:
            if url:
                resolve(url)
        except RefusedAddress as error:
            raise forms.ValidationError(str(error)) from error
        except (OSError, ValueError):
            # The model's validation reports a malformed address.
            pass
        return url
