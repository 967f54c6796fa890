"""A text field that is encrypted in the database, with a key derived from SECRET_KEY.

The database alone, its backups and exports reveal no secret. To change SECRET_KEY, move the old one to
SECRET_KEY_FALLBACKS, which can still decrypt. After ``manage.py reencrypt_secrets`` it can be removed.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField  # not generic at run time

# Prefix of encrypted text. Text without it is plain: it was stored before there was encryption.
MARK = "fernet:"
PURPOSE = b"throughline: secrets in the database"
USABLE_LOOKUPS = {"isnull"}
WHY_UNREADABLE = (
    "cannot be decrypted: SECRET_KEY is not the one that it was stored with. "
    "Add that one to SECRET_KEY_FALLBACKS, or type it again."
)


class Unreadable(str):
    """An empty string in place of a text that cannot be decrypted. Saving it keeps the stored text."""

    stored: str

    @classmethod
    def of(cls, stored: str) -> Unreadable:
        empty = cls()
        empty.stored = stored
        return empty


class EncryptedField(TextField):
    """``max_length`` is that of the plain text, for forms. The only lookup is ``isnull``."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else decrypt(value)

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else encrypt(value)

    def value_to_string(self, obj: models.Model) -> str:
        """For `dumpdata`, which would write the plain text."""
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse lookups, which would find nothing: the same text is encrypted differently each time."""
        if lookup_name not in USABLE_LOOKUPS:
            raise FieldError(f"{self.name} is encrypted: it cannot be searched.")
        return super().get_lookup(lookup_name)


def encrypt(text: str) -> str:
    """Leaves encrypted and empty text unchanged."""
    if isinstance(text, Unreadable):
        return text.stored
    if not text or text.startswith(MARK):
        return text
    return MARK + cipher().encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    if not stored.startswith(MARK):
        return stored
    try:
        return cipher().decrypt(stored.removeprefix(MARK)).decode()
    except (InvalidToken, ValueError):  # ValueError if it is not ASCII
        return Unreadable.of(stored)


def is_stored(text: str) -> bool:
    """Whether there is a text, even one that cannot be decrypted."""
    return bool(text) or isinstance(text, Unreadable)


def cipher() -> MultiFernet:
    return cipher_of(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def cipher_of(*keys: str) -> MultiFernet:
    """Encrypts with the first key, decrypts with any."""
    return MultiFernet([Fernet(derive_key(key)) for key in keys])


def derive_key(key: str) -> bytes:
    """Derive a Fernet key with HKDF (RFC 5869). Unsalted: there is one SECRET_KEY, and it is random."""
    return urlsafe_b64encode(HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode()))


# All encrypted fields


def encrypted_fields() -> Iterator[tuple[type[models.Model], list[str]]]:
    for model in apps.get_models():
        if names := [field.attname for field in model._meta.fields if isinstance(field, EncryptedField)]:
            yield model, names


def unreadable_fields(row: models.Model) -> list[str]:
    """Names of the row's fields that cannot be decrypted."""
    fields = [field.attname for field in row._meta.fields if isinstance(field, EncryptedField)]
    return [name for name in fields if isinstance(getattr(row, name), Unreadable)]


def unreadable_rows() -> Iterator[str]:
    """A sentence for each field that cannot be decrypted. One query per model."""
    for model, _ in encrypted_fields():
        for row in model._default_manager.all():
            yield from (unreadable(row, name) for name in unreadable_fields(row))


def unreadable(row: models.Model, name: str) -> str:
    label = row._meta.get_field(name).verbose_name  # type: ignore[union-attr]
    return f"The {label} of the {row._meta.verbose_name} “{row}” {WHY_UNREADABLE}"
