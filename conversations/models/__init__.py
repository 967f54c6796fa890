"""The database models."""

from .account_deletion import AccountDeletion
from .billing.budget import Budget, DailyUse
from .billing.ledger import LedgerEntry
from .catalog.model_server import ModelServer
from .catalog.pipeline import Pipeline, PipelineStage, Stage
from .catalog.tier import Tier
from .chat.api_token import ApiToken
from .chat.conversation import Conversation
from .chat.erasure import Erasure
from .chat.message import Message, Part
from .generation.generation import Generation
from .generation.timing import GenerationTiming
from .operations.alert_delivery import AlertDelivery
from .operations.alert_episode import AlertEpisode
from .operations.alert_rule import AlertRule
from .operations.history import RollUp, Sample
from .review import AccessLogEntry, Act, Review

__all__ = [
    "AccessLogEntry",
    "AccountDeletion",
    "Act",
    "AlertDelivery",
    "AlertEpisode",
    "AlertRule",
    "ApiToken",
    "Budget",
    "Conversation",
    "DailyUse",
    "Erasure",
    "Generation",
    "GenerationTiming",
    "LedgerEntry",
    "Message",
    "ModelServer",
    "Part",
    "Pipeline",
    "PipelineStage",
    "Review",
    "RollUp",
    "Sample",
    "Stage",
    "Tier",
]
