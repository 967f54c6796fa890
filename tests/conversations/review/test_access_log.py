"""Each access to a conversation is recorded before anything of it is shown, and the entry stays."""

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client

from conversations.models import AccessLogEntry, Conversation
from tests.conversations.talk import answer_of

from .conftest import LIST

ACCESS_LOG = "/admin/conversations/accesslogentry/"


@pytest.mark.parametrize("address", ["change/", "export/json/", "export/markdown/"])
def test_each_access_is_recorded(
    as_rita: Client, rita: User, conversation: Conversation, url: str, address: str
) -> None:
    for _ in range(2):
        as_rita.get(url + address)

    assert list(AccessLogEntry.objects.values_list("conversation", "reviewer")) == [(conversation.pk, rita.pk)] * 2


def test_another_version_is_another_access(as_rita: Client, conversation: Conversation, url: str) -> None:
    as_rita.get(f"{url}change/", {"through": str(answer_of(conversation).pk)})

    assert AccessLogEntry.objects.count() == 1


def test_superusers_accesses_are_recorded_too(as_root: Client, url: str) -> None:
    as_root.get(f"{url}change/")

    assert AccessLogEntry.objects.get().reviewer.username == "root"


@pytest.mark.parametrize("address", ["change/", "export/json/"])
def test_nothing_is_shown_if_the_access_cannot_be_recorded(
    as_rita: Client, url: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(entry: AccessLogEntry, **_: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(AccessLogEntry, "save", refuse)
    as_rita.raise_request_exception = False

    response = as_rita.get(url + address)

    assert response.status_code == 500
    assert b"sky" not in response.content


def test_nothing_is_read_before_the_access_is_recorded(
    as_rita: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[int] = []
    read = Conversation.path
    monkeypatch.setattr(
        Conversation, "path", lambda *args: (recorded.append(AccessLogEntry.objects.count()), read(*args))[1]
    )

    as_rita.get(f"{url}change/")

    assert recorded == [1]


def test_an_unknown_format_is_not_found_and_no_access(as_rita: Client, url: str) -> None:
    assert as_rita.get(f"{url}export/pdf/").status_code == 404
    assert not AccessLogEntry.objects.exists()


def test_they_survive_the_conversation_and_its_reader(
    as_rita: Client, as_root: Client, rita: User, alice: User, conversation: Conversation, url: str
) -> None:
    as_rita.get(f"{url}change/")
    key = conversation.pk

    alice.delete()
    rita.delete()

    entry = AccessLogEntry.objects.get()
    assert (entry.conversation, entry.reviewer) == (None, None)
    assert (entry.conversation_key, entry.owner_name, entry.reviewer_name) == (key, "alice", "rita")
    html = as_root.get(ACCESS_LOG, {"q": str(key)}).content.decode()
    assert "rita" in html and str(key) in html


def test_an_export_differs_from_reading(as_rita: Client, url: str) -> None:
    as_rita.get(f"{url}export/json/")
    as_rita.get(f"{url}change/")

    assert list(AccessLogEntry.objects.order_by("pk").values_list("act", flat=True)) == ["exported", "read"]


@pytest.mark.parametrize(
    ("query", "act", "details"),
    [
        ({"q": "blue sky"}, "searched", "q=blue sky"),
        ({"q": "blue", "status": "done"}, "searched", "q=blue, status=done"),
        ({"reviewed": "no", "p": "1"}, "listed", "reviewed=no"),
        ({"used_at__year": "2026"}, "listed", "used_at__year=2026"),
    ],
)
def test_searches_and_filtered_lists_are_recorded(
    as_rita: Client, rita: User, conversation: Conversation, query: dict[str, str], act: str, details: str
) -> None:
    as_rita.get(LIST, query)

    entry = AccessLogEntry.objects.get()
    assert (entry.reviewer, entry.act, entry.details, entry.conversation) == (rita, act, details, None)


@pytest.mark.parametrize("before", ["_facets", "_popup", "o", "used_at__year"])
def test_the_words_of_a_search_are_recorded_whatever_stands_before_them(
    as_rita: Client, conversation: Conversation, before: str
) -> None:
    as_rita.get(LIST, {before: f"{2026:0600}", "q": "blue sky"})

    entry = AccessLogEntry.objects.get()
    assert (entry.act, entry.details[:10]) == ("searched", "q=blue sky")


@pytest.mark.parametrize("model", ["review", "message", "accesslogentry"])
def test_nothing_is_completed_past_the_record(as_rita: Client, conversation: Conversation, model: str) -> None:
    asked = {"app_label": "conversations", "model_name": model, "field_name": "conversation", "term": "sky"}

    assert as_rita.get("/admin/autocomplete/", asked).status_code == 404


def test_a_plain_list_and_its_pages_are_not(as_rita: Client, conversation: Conversation) -> None:
    as_rita.get(LIST)
    as_rita.get(LIST, {"p": "1", "o": "-1"})

    assert not AccessLogEntry.objects.exists()


def test_nothing_is_searched_if_that_cannot_be_recorded(as_rita: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: AccessLogEntry, **_: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(AccessLogEntry, "save", refuse)
    as_rita.raise_request_exception = False

    assert as_rita.get(LIST, {"q": "sky"}).status_code == 500


def test_nobody_changes_or_deletes_one(as_root: Client, url: str) -> None:
    as_root.get(f"{url}change/")
    row = f"{ACCESS_LOG}{AccessLogEntry.objects.get().pk}"

    assert as_root.post(f"{row}/delete/", {"post": "yes"}).status_code == 403
    assert as_root.post(f"{row}/change/", {"details": "nothing"}).status_code == 403
    as_root.post(ACCESS_LOG, {"action": "delete_selected", "_selected_action": row.rpartition("/")[2], "post": "yes"})
    assert AccessLogEntry.objects.count() == 1


def test_entries_are_listed_with_who_and_which(as_rita: Client, url: str) -> None:
    as_rita.get(f"{url}change/")

    html = as_rita.get(ACCESS_LOG).content.decode()

    assert "rita" in html and "New chat" in html
    assert as_rita.get(ACCESS_LOG, {"q": "alice"}).context["cl"].result_count == 1
    assert as_rita.get(f"{ACCESS_LOG}{AccessLogEntry.objects.get().pk}/change/").status_code == 200


def test_the_page_tells_who_looked(as_rita: Client, as_root: Client, url: str) -> None:
    as_root.get(f"{url}change/")

    html = as_rita.get(f"{url}change/").content.decode()

    assert ", root</li>" in html and ", rita</li>" in html


@pytest.mark.usefixtures("awaiting")
async def test_an_export_has_this_conversation_alone() -> None:
    root = await User.objects.acreate(username="root", is_staff=True, is_superuser=True)
    mine = await Conversation.objects.acreate(owner=root, title="This one")
    await Conversation.objects.acreate(owner=root, title="Another one")
    client = AsyncClient()
    await client.aforce_login(root)

    response = await client.get(f"{LIST}{mine.pk}/export/markdown/")

    assert isinstance(response, StreamingHttpResponse)
    assert b"".join([piece async for piece in response]) == b"# This one\n\n"
    assert response.headers["Content-Disposition"] == f'attachment; filename="conversation-{mine.pk}.md"'
