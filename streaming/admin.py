"""Django looks for the admin's classes here."""

from streaming.ops.server_admin import ModelServerAdmin
from streaming.ops.tier_admin import TierAdmin

__all__ = ["ModelServerAdmin", "TierAdmin"]
