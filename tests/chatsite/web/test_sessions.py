"""What a cookie may hold."""

from __future__ import annotations

from typing import Any

import pytest

from chatsite.stores.sessions import SessionStore


@pytest.mark.parametrize("key", ["\0" * 32, "ÿ" * 32, "A" * 32, "a b" * 10, ""])
@pytest.mark.django_db
def test_what_cannot_be_a_key_is_not_looked_for(django_assert_num_queries: Any, key: str) -> None:
    with django_assert_num_queries(0):
        assert SessionStore(key).get("_auth_user_id") is None


@pytest.mark.django_db
def test_a_key_of_ours_is() -> None:
    made = SessionStore()
    made["name"] = "alice"
    made.create()

    assert SessionStore(made.session_key)["name"] == "alice"
