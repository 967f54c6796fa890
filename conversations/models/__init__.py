"""What is remembered, one file per noun."""

from .conversation import Conversation
from .generation import Generation
from .message import Message, Part
from .review import Look, Review

__all__ = ["Conversation", "Generation", "Look", "Message", "Part", "Review"]
