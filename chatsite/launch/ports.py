"""Opens the ports that the site listens on, and explains why one cannot be opened."""

from __future__ import annotations

import errno
import socket

from django.conf import settings

from . import InTheWay

DEMO_MODEL_HOST = "127.0.0.1"
BACKLOG = 1024  # connections that wait while web restarts; the kernel may allow fewer


def open_port() -> int:
    """Returns the descriptor of the listening socket, which the manager and its processes inherit.

    While web restarts, no connection is refused: the kernel queues them until the new process accepts them.
    """
    web = bound("PORT", settings.HOST, settings.PORT)
    if settings.DEMO_MODEL_SERVER:
        if settings.PORT == settings.DEMO_MODEL_PORT:
            raise InTheWay(f"PORT and DEMO_MODEL_PORT are both {settings.PORT}. Choose another for one of them.")
        bound("DEMO_MODEL_PORT", DEMO_MODEL_HOST, settings.DEMO_MODEL_PORT).close()
    web.listen(BACKLOG)
    web.set_inheritable(True)
    return web.detach()


def bound(name: str, host: str, port: int) -> socket.socket:
    if not 0 < port < 65536:  # getaddrinfo would take it modulo 65536
        raise InTheWay(f"there is no port {port}. Use one from 1024 to 65535: make run {name}=…")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        raise InTheWay(why(error, name, host, port)) from error
    return found


def why(error: OSError, name: str, host: str, port: int) -> str:
    another = f"choose another: make run {name}=…"
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return f"port {port} is taken by another program. End that, or {another}"
        case OSError(errno=errno.EACCES):
            return f"you may not listen on port {port}. Use one above 1023: make run {name}=…"
    return f"{host} is no address of this machine ({error}). See HOST."
