"""Who may review: staff with the permission. They read and review, and change nothing else."""

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from conversations.models import AccessLogEntry, AccountDeletion, Conversation, Review
from tests.conversations.conftest import browser

from .conftest import LIST

ADDRESSES = ("", "change/", "history/", "review/", "export/json/", "export/markdown/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_sign_in_first(client: Client, url: str, address: str) -> None:
    response = client.get(url + address, follow=True)

    assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert not AccessLogEntry.objects.exists()


@pytest.mark.parametrize("address", ADDRESSES)
def test_users_and_operators_are_refused(as_bob: Client, otto: User, url: str, address: str) -> None:
    for client in (as_bob, browser(otto)):
        assert client.get(url + address, follow=True).status_code == 403

    assert not AccessLogEntry.objects.exists()


@pytest.mark.parametrize("address", ["change/", "review/", "export/json/", "export/markdown/"])
def test_staff_without_the_permission_are_refused(bob: User, url: str, address: str) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)

    assert browser(bob).get(url + address).status_code == 403
    assert not AccessLogEntry.objects.exists()


def test_a_reviewer_without_staff_status_is_refused(bob: User, url: str) -> None:
    bob.groups.add(Group.objects.get(name="reviewers"))

    assert browser(bob).get(f"{url}change/", follow=True).status_code == 403


def test_the_short_way_leads_reviewers_to_the_list_and_refuses_others(as_rita: Client, as_bob: Client) -> None:
    assert as_rita.get("/review/").headers["Location"] == LIST
    assert as_bob.get("/review/").status_code == 403


def test_reviewers_find_only_the_review_in_the_admin(as_rita: Client) -> None:
    response = as_rita.get("/admin/")

    (app,) = response.context["app_list"]
    assert [model["object_name"] for model in app["models"]] == ["AccessLogEntry", "Conversation", "Review"]
    assert as_rita.get("/admin/auth/user/").status_code == 403


@pytest.mark.parametrize("who", ["as_rita", "as_root"])
@pytest.mark.parametrize("model", [Conversation, AccessLogEntry, Review])
def test_nobody_adds_changes_or_deletes(
    request: pytest.FixtureRequest, rita: User, conversation: Conversation, who: str, model: type[Model]
) -> None:
    client: Client = request.getfixturevalue(who)
    conversation.access_log.create(reviewer=rita)
    conversation.reviews.create(reviewer=rita, note="As it was")
    before = list(model.objects.values())

    answers = [client.post(address, {"post": "yes", "note": "Changed"}) for address in changing(model)]

    assert [answer.status_code for answer in answers if answer.status_code < 400] == []
    assert list(model.objects.values()) == before


def changing(model: type[Model]) -> list[str]:
    name, pk = f"admin:conversations_{model._meta.model_name}", model.objects.get().pk
    addresses = [reverse(f"{name}_add"), reverse(f"{name}_delete", args=[pk])]
    return addresses if model is Conversation else [*addresses, reverse(f"{name}_change", args=[pk])]


@pytest.mark.parametrize("model", ["conversation", "accesslogentry", "review"])
def test_no_action_deletes_many_at_once(as_root: Client, rita: User, conversation: Conversation, model: str) -> None:
    conversation.access_log.create(reviewer=rita)
    form = {"action": "delete_selected", "_selected_action": str(conversation.pk), "post": "yes"}

    as_root.post(f"/admin/conversations/{model}/", form)

    assert Conversation.objects.exists() and AccessLogEntry.objects.exists()
    assert "delete_selected" not in as_root.get(f"/admin/conversations/{model}/").content.decode()


def test_who_has_looked_can_be_deleted_and_the_record_stays(
    as_root: Client, as_rita: Client, rita: User, url: str
) -> None:
    as_rita.get(f"{url}change/")

    as_root.post(f"/admin/auth/user/{rita.pk}/delete/", {"post": "yes"})
    AccountDeletion.objects.all().finish(within_s=60)

    assert not User.objects.filter(pk=rita.pk).exists()
    assert AccessLogEntry.objects.get().reviewer_name == "rita"


def test_a_review_takes_the_pages_token(rita: User, url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(rita)

    assert client.post(f"{url}review/", {"note": "Good"}).status_code == 403
    assert not Review.objects.exists()
