"""Django looks for the admin's classes here."""

from streaming.operations.admin.alerts import AlertDeliveryAdmin, AlertEpisodeAdmin, AlertRuleAdmin
from streaming.operations.admin.servers import ModelServerAdmin
from streaming.operations.admin.tiers import TierAdmin

__all__ = ["AlertDeliveryAdmin", "AlertEpisodeAdmin", "AlertRuleAdmin", "ModelServerAdmin", "TierAdmin"]
