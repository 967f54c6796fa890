"""Django looks for the admin's classes here."""

from streaming.ops.server_admin import ModelServerAdmin

__all__ = ["ModelServerAdmin"]
