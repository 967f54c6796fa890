"""Django looks for the admin's classes here."""

from streaming.alerts.admin import AlertDeliveryAdmin, AlertEpisodeAdmin, AlertRuleAdmin
from streaming.ops.server_admin import ModelServerAdmin
from streaming.ops.tier_admin import TierAdmin

__all__ = ["AlertDeliveryAdmin", "AlertEpisodeAdmin", "AlertRuleAdmin", "ModelServerAdmin", "TierAdmin"]
