"""Addresses of sockets."""

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path, re_path

from streaming.chat.consumer import ChatConsumer
from streaming.chat.review_consumer import ReviewConsumer


class NothingHere(AsyncWebsocketConsumer):
    """Any other address: refused without a traceback."""

    async def connect(self) -> None:
        await self.close()


websocket_urlpatterns = [
    path("ws/chat/new/", ChatConsumer.as_asgi()),
    path("ws/chat/<uuid:conversation_id>/", ChatConsumer.as_asgi()),
    path("ws/review/<uuid:conversation_id>/", ReviewConsumer.as_asgi()),
    re_path("", NothingHere.as_asgi()),
]
