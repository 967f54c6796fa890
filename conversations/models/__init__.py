"""What is remembered, one file per noun."""

from .alert_delivery import AlertDelivery
from .alert_episode import AlertEpisode
from .alert_rule import AlertRule
from .api_token import ApiToken
from .budget import Budget, DailyUse
from .clock import Clock
from .conversation import Conversation
from .erasure import Erasure
from .generation import Generation
from .history import RollUp, Sample
from .leaver import Leaver
from .ledger import LedgerEntry
from .message import Message, Part
from .model_server import ModelServer
from .pipeline import Pipeline, PipelineStage, Stage
from .review import Act, Look, Review
from .tier import Tier

__all__ = [
    "Act",
    "AlertDelivery",
    "AlertEpisode",
    "AlertRule",
    "ApiToken",
    "Budget",
    "Clock",
    "Conversation",
    "DailyUse",
    "Erasure",
    "Generation",
    "Leaver",
    "LedgerEntry",
    "Look",
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
