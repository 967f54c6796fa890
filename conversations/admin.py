"""Django looks for the admin's classes here."""

from conversations.review.admin import ConversationAdmin, LookAdmin, ReviewAdmin

__all__ = ["ConversationAdmin", "LookAdmin", "ReviewAdmin"]
