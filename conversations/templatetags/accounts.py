"""Tags for pages that are shown without sign-in."""

from __future__ import annotations

from django import template
from django.conf import settings

from conversations.accounts.mail import mails_reach_nobody

register = template.Library()


@register.simple_tag
def sign_up_is_open() -> bool:
    return bool(settings.SIGN_UP_OPEN)


@register.simple_tag
def mail_can_be_sent() -> bool:
    """With DEBUG, an email printed to the terminal counts as sent."""
    return settings.DEBUG or not mails_reach_nobody()


@register.simple_tag
def whom_to_ask(what: str = "") -> str:
    return f"Ask {settings.CONTACT or 'them'}{' ' if what else ''}{what}."


@register.filter
def sentence_case(words: str) -> str:
    """allauth uses Title Case; the rest of the site doesn't."""
    return words.strip().capitalize()
