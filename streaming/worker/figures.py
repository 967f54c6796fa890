"""What an engine notes about its stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Figures:
    """What is noted about a stage, under the names of Generation's fields."""

    model: str = ""
    server: str = ""
    tier: str = ""  # its slug
    prompt_tokens: int | None = None
    cached_tokens: int | None = None  # of these
    completion_tokens: int | None = None
    finish_reason: str = ""
    cached: bool = False
    error_detail: str = ""  # may quote the question
    error_in_short: str = ""  # quotes nothing
    server_ms: dict[str, float] | None = None  # of the last request, as the server told
    first_requested_at: datetime | None = None
    requested_at: datetime | None = None  # the latest time
    first_byte_at: datetime | None = None  # of the response that brought the first token
    first_token_at: datetime | None = None
    last_token_at: datetime | None = None
    upstream_ended_at: datetime | None = None
    failovers: int | None = None
