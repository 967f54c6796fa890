"""The NinjaAPI with its routers, error handlers and OpenAPI description."""

from __future__ import annotations

from ninja import NinjaAPI

from . import conversations, generations
from .auth import TokenBearer
from .errors import register_error_handlers

DESCRIPTION = (
    "Ask, and read the answers, as you would on the pages; follow an answer while it is written, as server-sent "
    "events that resume exactly where a lost connection broke off."
)

api = NinjaAPI(
    title="Throughline",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs_url=None,  # docs.py has our own page
    auth=TokenBearer(),
)
api.add_router("/conversations", conversations.router)
api.add_router("/generations", generations.router)
register_error_handlers(api)
