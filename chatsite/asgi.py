"""The ASGI application: pages, the HTTP API, and the chat's sockets."""

import gc
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from chatsite.refusals import check_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
check_start()
pages = get_asgi_application()

from chatsite.failures import log_failures  # noqa: E402
from chatsite.web.accepting import with_sign_in_state  # noqa: E402
from chatsite.web.flow import paced  # noqa: E402
from chatsite.web.static import with_static_files  # noqa: E402 - models can be imported from here on
from streaming.chat.open_sockets import begin_with_the_reactor  # noqa: E402
from streaming.chat.session_user import with_user  # noqa: E402
from streaming.routing import websocket_urlpatterns  # noqa: E402

sockets = with_user(with_sign_in_state(URLRouter(websocket_urlpatterns)))
application = log_failures(ProtocolTypeRouter({"http": paced(with_static_files(pages)), "websocket": sockets}))
begin_with_the_reactor()
# Everything imported so far stays. A full collection over it takes a tenth of a second, during which no token moves.
gc.freeze()
