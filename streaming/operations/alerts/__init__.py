"""Alerts: the values that rules check, the process that checks them, and the delivery of messages."""
