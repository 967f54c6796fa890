"""A form of a row that has a secret, which is written, never read: an empty field keeps the stored one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from conversations.models.encrypted import WHY_UNREADABLE, unreadable_fields

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm  # no generic when it runs

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
    secret: ClassVar[str]  # the field of it
    remover: ClassVar[str]  # the field of the tick that removes it
    what: ClassVar[str]  # it is, such as a key

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.stored: str = getattr(self.instance, self.secret)
        for name in unreadable_fields(self.instance):
            if name in self.fields:
                self.fields[name].help_text = f"What is stored {WHY_UNREADABLE}"
        self.initial.pop(self.secret, None)  # an empty field is then no change

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
        """The stored one stays: whether it may, beside what else was typed."""
