"""A form with a write-only secret: an empty field keeps the stored one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from conversations.models.encrypted import WHY_UNREADABLE, unreadable_fields

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm  # not generic at run time

BOTH = "Enter a new {what} or remove the stored one, not both."
STAYS = "Leave empty to keep the stored one. It is never shown again."


def secret_field(label: str, what_for: str, max_length: int) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=max_length,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text=f"{what_for} {STAYS}",
    )


class SecretForm(ModelForm):
    secret: ClassVar[str]  # field name
    remover: ClassVar[str]  # name of the checkbox that removes it
    what: ClassVar[str]  # noun for messages, such as "key"

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.stored: str = getattr(self.instance, self.secret)
        for name in unreadable_fields(self.instance):
            if name in self.fields:
                self.fields[name].help_text = f"What is stored {WHY_UNREADABLE}"
        # So that an empty field does not count as a change.
        self.initial.pop(self.secret, None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.secret in cleaned:
            cleaned[self.secret] = self._to_store(cleaned)
        return cleaned

    def _to_store(self, cleaned: dict[str, Any]) -> str:
        typed, removes = str(cleaned[self.secret]), cleaned.get(self.remover)
        if typed and removes:
            self.add_error(self.secret, BOTH.format(what=self.what))
        if typed or removes:
            return typed
        self.check_kept(cleaned)
        return self.stored

    def check_kept(self, cleaned: dict[str, Any]) -> None:
        """Hook: add an error if the stored secret may not be kept with the other values entered."""
