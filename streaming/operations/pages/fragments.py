"""Fragments: an open page fetches only its content every two seconds, rendered once for all users who see the same.

So the content must hold nothing specific to one user, such as a form's CSRF token: buttons belong to the form that
operations/base.html has outside the content.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

P = ParamSpec("P")

HEADER = "X-Fragment"
LAYOUT = "operations/fragment.html"
FRESH_S = 2.0  # a process renders a fragment at most this often, however many users watch it

_one_at_a_time = Lock()  # leaves CPU for chats
_fresh: dict[tuple[object, ...], tuple[float, bytes]] = {}


def served_as_fragment(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """A request with HEADER gets only the content of the page, up to two seconds old."""

    @wraps(view)
    def serve(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = args[0]
        assert isinstance(request, HttpRequest)
        if HEADER not in request.headers:
            return view(*args, **kwargs)
        request.layout = LAYOUT  # type: ignore[attr-defined]
        user = request.user
        key = (request.get_host(), request.get_full_path(), frozenset(user.get_all_permissions()), user.is_staff)
        with _one_at_a_time:
            forget_old()
            if key not in _fresh:
                begun = time.monotonic()
                response = view(*args, **kwargs)
                if response.status_code != 200:
                    return response
                _fresh[key] = begun, response.content
            response = HttpResponse(_fresh[key][1])
        patch_vary_headers(response, [HEADER])
        return response

    return serve


def forget_old() -> None:
    oldest = time.monotonic() - FRESH_S
    for key in [key for key, (begun, _) in _fresh.items() if begun < oldest]:
        del _fresh[key]
