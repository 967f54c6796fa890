"""A model server that admins entered: its address, key and limits."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from conversations.catalog.addresses import RefusedAddress, normalise
from conversations.models.encrypted import EncryptedField
from conversations.models.names import NameField


class ModelServer(models.Model):
    """The API key is sent to the server only: no page, log or ``repr`` shows it."""

    name = NameField(max_length=80, unique=True, help_text="The name for admins and operators.")
    url = models.CharField(
        "address", max_length=300, help_text="Such as http://gpu-1:8001/v1. Without a path, /v1 is added."
    )
    api_key = EncryptedField("API key", max_length=500, blank=True)
    enabled = models.BooleanField(default=True, help_text="Off: its tiers are not used.")
    max_parallel = models.PositiveIntegerField(
        "parallel requests", null=True, blank=True, help_text="The maximum of each worker. Empty: no limit."
    )
    streams = models.BooleanField(
        "streams its answers",
        default=True,
        help_text="Off: answers arrive all at once, by a request that is not streamed.",
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Also completes the address. Makes no DNS lookup."""
        wrong = {}
        try:
            # The field itself refuses an empty address.
            self.url = normalise(self.url) if self.url else ""
        except RefusedAddress as error:
            wrong["url"] = str(error)
        if not (self.api_key.isascii() and self.api_key.isprintable()) or " " in self.api_key:
            wrong["api_key"] = "A key must not contain spaces, line breaks or characters outside ASCII."
        if self.max_parallel == 0:
            wrong["max_parallel"] = "Without any request the server is of no use. Disable it instead."
        if wrong:
            raise ValidationError(wrong)
