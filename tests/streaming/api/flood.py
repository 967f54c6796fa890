"""An ASGI application that floods its reader with an event stream, and says how far it got."""

import asyncio
import json
from typing import Any

from chatsite.web.flow import Send, paced

CHUNK = b"x" * 64 * 1024
CHUNKS = 1000
STEPS = 200  # of the event loop, in which a send that is not held would have returned

sent = 0
is_held = False


async def flood(scope: Any, receive: Any, send: Send) -> None:
    kind = b"application/json" if scope["path"] == "/state" else b"text/event-stream"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    if scope["path"] == "/state":
        state = {"sent": sent, "is_held": is_held}
        await send({"type": "http.response.body", "body": json.dumps(state).encode()})
        return
    for _ in range(CHUNKS):
        await send_chunk(send)
    await send({"type": "http.response.body", "body": b""})


async def send_chunk(send: Send) -> None:
    global sent, is_held
    sending = asyncio.ensure_future(send({"type": "http.response.body", "body": CHUNK, "more_body": True}))
    for _ in range(STEPS):
        if sending.done():
            break
        await asyncio.sleep(0)
    is_held = not sending.done()
    await sending
    sent += len(CHUNK)


application = paced(flood)
