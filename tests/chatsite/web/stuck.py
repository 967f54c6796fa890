"""An application that hangs in the ways that have kept web processes from ending."""

import asyncio
import json
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from chatsite.web import server

server.ENDS_WITHIN_S = 3.0
server.ANSWERS_WITHIN_S = server.UNWINDS_WITHIN_S = 0.2

hanging = 0


@async_to_sync
async def never() -> None:
    """In a thread, for the event loop."""
    await asyncio.Event().wait()


async def application(scope: Any, receive: Any, send: Any) -> None:
    global hanging
    if scope["path"] == "/threads":
        hanging += 1
        await sync_to_async(never, thread_sensitive=False)()
    if scope["path"] == "/loop":
        print("The loop stands still.", flush=True)
        while True:
            pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(hanging).encode()})
