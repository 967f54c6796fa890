"""A page says whose it is: what it asks is never asked in the name of who signed in since."""

import pytest
from django.contrib.auth.models import User

from streaming.chat.consumer import is_page_of


@pytest.mark.parametrize(
    ("query", "is_theirs"),
    [("", True), ("account={}", True), ("account=0", False), ("account=", True), ("account={0}&account={0}", False)],
)
def test_the_account_of_the_page_is_that_of_the_session(alice: User, query: str, is_theirs: bool) -> None:
    assert is_page_of(alice, {"query_string": query.format(alice.pk).encode()}) is is_theirs
