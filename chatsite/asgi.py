"""The ASGI application: pages, the HTTP API, and the chat's sockets."""

import gc
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from chatsite.refusals import check_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
check_start()
pages = get_asgi_application()

from chatsite.failures import logged  # noqa: E402
from streaming.api.flow import paced  # noqa: E402 - models can be imported from here on
from streaming.routing import websocket_urlpatterns  # noqa: E402
from streaming.session_user import with_user  # noqa: E402
from streaming.sockets import begin_with_the_reactor  # noqa: E402

application = logged(
    ProtocolTypeRouter({"http": paced(pages), "websocket": with_user(URLRouter(websocket_urlpatterns))})
)
begin_with_the_reactor()
gc.freeze()  # what is here now stays: to look through all of it takes a tenth of a second, in which no token moves
