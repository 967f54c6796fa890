"""Posts a message to a webhook: to checked addresses only, without following redirects, signed if there is a secret."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

import httpx
import msgspec

from conversations.catalog.addresses import RefusedAddress, normalise_webhook, resolve
from streaming.model_servers.vllm.addressed import Addressed

TIMEOUT_S = 5.0  # of the whole delivery
SIGNATURE = "X-Throughline-Signature"


class NotDelivered(Exception):
    """The text is a sentence for operators. It contains no addresses, which can be secret."""


async def post(url: str, secret: str, data: dict[str, Any]) -> None:
    """Raises NotDelivered."""
    body = msgspec.json.encode(data)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            addresses = await asyncio.to_thread(resolve, normalise_webhook(url))
            status = await status_of(addresses, url, body, headers_of(body, secret))
    except TimeoutError as error:
        raise NotDelivered(f"The webhook did not answer within {TIMEOUT_S:g} s.") from error
    except RefusedAddress as error:
        raise NotDelivered(str(error)) from error
    except httpx.HTTPError as error:
        raise NotDelivered(f"The webhook cannot be reached ({type(error).__name__}).") from error
    except OSError as error:
        raise NotDelivered(f"The name of the webhook's host is not known ({error.strerror}).") from error
    if not 200 <= status < 300:
        why = ": it redirects, and redirects are not followed" if 300 <= status < 400 else ""
        raise NotDelivered(f"The webhook answered with status {status}{why}.")


async def status_of(addresses: list[str], url: str, body: bytes, headers: dict[str, str]) -> int:
    """Does not read the response body."""
    client = httpx.AsyncClient(transport=Addressed(addresses), trust_env=False, timeout=TIMEOUT_S)
    async with client, client.stream("POST", url, content=body, headers=headers) as response:
        return response.status_code


def headers_of(body: bytes, secret: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "Throughline-Alerts"}
    return headers | ({SIGNATURE: signature(body, secret)} if secret else {})


def signature(body: bytes, secret: str) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
