"""What an engine notes about its stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from streaming.model_servers.vllm.client import Patience


@dataclass
class RequestStats:
    """What is noted about a stage, under the names of Generation's fields."""

    model: str = ""
    server: str = ""
    tier: str = ""  # its slug
    prompt_tokens: int | None = None
    cached_tokens: int | None = None  # of these
    completion_tokens: int | None = None
    finish_reason: str = ""
    cached: bool = False
    coalesced: bool = False  # read along with another answer's request; at its end: that one pays
    error_detail: str = ""  # may quote the question
    error_in_short: str = ""  # quotes nothing
    server_ms: dict[str, float] | None = None  # of the last request, as the server told
    first_requested_at: datetime | None = None
    requested_at: datetime | None = None  # the latest time
    patience: Patience | None = None  # with this request
    first_byte_at: datetime | None = None  # of the response that brought the first token
    first_token_at: datetime | None = None
    last_token_at: datetime | None = None
    upstream_ended_at: datetime | None = None
    failovers: int | None = None

    @property
    def due_at(self) -> datetime | None:
        """When the request is given up, if nothing more comes of it; None if none is open."""
        asked, ended, last = self.requested_at, self.upstream_ended_at, self.last_token_at
        if asked is None or self.patience is None or (ended is not None and ended >= asked):
            return None
        if last is None or last < asked:
            return asked + timedelta(seconds=self.patience.first_token_s)
        return last + timedelta(seconds=self.patience.silence_s)
