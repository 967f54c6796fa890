"""What support needs to find a request in the logs."""

from django import template

from streaming.telemetry import correlation

register = template.Library()


@register.simple_tag
def request_id() -> str:
    """Empty outside of requests."""
    return correlation.known().get("request", "")
