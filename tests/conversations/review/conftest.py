import pytest

from conversations.models import Conversation

LIST = "/admin/conversations/conversation/"


@pytest.fixture
def url(conversation: Conversation) -> str:
    """Where Alice's conversation is reviewed."""
    return f"{LIST}{conversation.pk}/"
