"""What is remembered, one file per noun."""

from .api_token import ApiToken
from .conversation import Conversation
from .generation import Generation
from .message import Message, Part
from .pipeline import Pipeline, PipelineStage, Stage
from .review import Look, Review

__all__ = [
    "ApiToken",
    "Conversation",
    "Generation",
    "Look",
    "Message",
    "Part",
    "Pipeline",
    "PipelineStage",
    "Review",
    "Stage",
]
