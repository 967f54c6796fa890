"""Alerts: the figures that rules look at, who watches them, and how what they find is told."""
