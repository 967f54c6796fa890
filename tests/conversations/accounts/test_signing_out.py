"""Whichever way leads out, it ends where the browser forgets what it kept."""

import pytest
from django.test import Client


@pytest.mark.parametrize("door", ["/accounts/logout/", "/admin/logout/"])
def test_every_sign_out_leads_to_the_page_that_forgets(as_root: Client, door: str) -> None:
    response = as_root.post(door, follow=True)

    assert response.redirect_chain[-1] == ("/accounts/login/?signed-out", 302)
    assert b"js/signed_out.js" in response.content
