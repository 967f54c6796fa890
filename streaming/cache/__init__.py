"""Answers without a request of their own: cached from an earlier one, or shared with one in flight."""
