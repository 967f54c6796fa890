"""WebSocket URLs."""

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path, re_path

from streaming.chat.consumer import ChatConsumer


class NothingHere(AsyncWebsocketConsumer):
    """Refuses any other URL without a traceback."""

    async def connect(self) -> None:
        await self.close()


websocket_urlpatterns = [
    path("ws/chat/new/", ChatConsumer.as_asgi()),
    path("ws/chat/<uuid:conversation_id>/", ChatConsumer.as_asgi()),
    re_path("", NothingHere.as_asgi()),
]
