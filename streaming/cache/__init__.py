"""Answers that need no request of their own: kept from an earlier one, or shared with one that is under way."""
