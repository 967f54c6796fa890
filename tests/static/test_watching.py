"""Whatever unfinished answer is on the page is watched, however it came there: once per connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .conftest import GENERATION, ORIGIN, give

OTHER = "45c48cce-2e2d-4fbd-aa1a-fc51c7c6ad26"
CHAT = """async () => {
    const { Chat } = await import("/js/chat/chat.js");
    const { AccountStorage } = await import("/js/account_storage.js");
    window.sent = [];
    window.isOpen = true;
    window.shown = new Map();  // by generation: what the transcript has
    window.served = new Map();  // what the server's page has
    window.fetched = null;  // an article
    const answer = (generation, isFinal = false) => ({ generation, isFinal, progress: {}, reset() {} });
    window.answer = answer;
    const transcript = {
        get articles() { return []; },
        get unfinished() { return [...shown.values()].filter((one) => !one.isFinal); },
        answer: (generation) => shown.get(generation),
        isBehind: () => window.behind ?? false,
        showBelow: (parent, fresh) => {
            if (parent === "unknown") return false;
            for (const article of fresh) shown.set(article.dataset.generation, answer(article.dataset.generation));
            return true;
        },
        replace: (article) => shown.set(article.dataset.generation, answer(article.dataset.generation)),
    };
    const page = {
        refresh: async () => { for (const [key, one] of served) shown.set(key, one); chat.update(); },
        fetchArticle: async () => fetched,
        update() {}, invalidateFetches() {}, setTitle() {}, refreshSidebar() {}, announceEnd() {},
        hideDeleted() {}, offerReload() {}, refuse() {},
        isDeleted: false,
    };
    const socket = { send: (message) => { if (isOpen) sent.push(message); return isOpen; } };
    const options = { fields: {} };
    const storage = new AccountStorage("1", sessionStorage);
    window.chat = new Chat("c", { socket, transcript, page, options, storage });
}"""
ARTICLE = f'<article data-generation="{GENERATION}" data-state="queued" data-message-id="m"></article>'


class Tab:
    def __init__(self, page: Page):
        self.page = page
        page.evaluate(CHAT)

    def hear(self, type: str, **fields: Any) -> None:
        self.page.evaluate(
            "async (e) => { await chat.receive(e); await new Promise(setTimeout); }", {"type": type, **fields}
        )

    def has(self, place: str, generation: str = GENERATION) -> None:
        self.page.evaluate(f"(generation) => {place}.set(generation, answer(generation))", generation)

    @property
    def watched(self) -> list[str]:
        return [m["generation"] for m in self.page.evaluate("sent") if m["type"] == "answer.watch"]


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    page = browser.new_page()
    page.route("**/*", give)
    page.goto(f"{ORIGIN}/")
    yield Tab(page)
    page.close()


def path_changed(tab: Tab, parent: str) -> None:
    messages = [{"id": "m", "role": "assistant", "html": ARTICLE}]
    tab.hear(
        "path.changed", parent=parent, messages=messages, generation=GENERATION, request="r", title="", conversation="c"
    )


def test_a_turn_in_its_place_is_sent_by_the_server_itself(tab: Tab) -> None:
    path_changed(tab, "known")

    assert tab.watched == []


def test_a_turn_below_a_message_that_is_not_here_is_fetched_and_watched(tab: Tab) -> None:
    tab.has("served")

    path_changed(tab, "unknown")

    assert tab.watched == [GENERATION]


def test_each_connection_watches_once(tab: Tab) -> None:
    tab.has("shown")

    for _ in range(2):
        tab.hear("hello", protocol=1, conversation="c")
        tab.page.evaluate("chat.update()")

    assert tab.watched == [GENERATION, GENERATION]


def test_without_a_connection_it_is_watched_with_the_next(tab: Tab) -> None:
    tab.has("shown")
    tab.page.evaluate("isOpen = false; chat.update(); isOpen = true")
    assert tab.watched == []

    tab.page.evaluate("chat.update()")

    assert tab.watched == [GENERATION]


def test_what_a_page_that_was_behind_fetches_is_watched(tab: Tab) -> None:
    tab.has("served")
    tab.page.evaluate("window.behind = true")

    tab.hear("hello", protocol=1, conversation="c", leaf="other")

    assert tab.watched == [GENERATION]


def test_an_answer_that_comes_back_is_watched(tab: Tab) -> None:
    tab.has("served")

    tab.hear("conversation.restored", conversation="c")

    assert tab.watched == [GENERATION]


def test_an_article_that_was_fetched_anew_is_watched_though_its_generation_was(tab: Tab) -> None:
    tab.has("shown")
    tab.page.evaluate("chat.update()")

    tab.has("shown")
    tab.page.evaluate("chat.update()")

    assert tab.watched == [GENERATION, GENERATION]


def test_after_a_hole_in_the_log_the_generation_that_goes_on_is_watched(tab: Tab) -> None:
    tab.page.evaluate(
        """([generation, other]) => {
            shown.set(generation, answer(generation));
            window.fetched = document.createElement("article");
            Object.assign(fetched.dataset, { generation: other, state: "streaming", messageId: "m" });
        }""",
        [GENERATION, OTHER],
    )

    tab.hear("answer.resync", generation=GENERATION, url="/c/c/messages/m/")

    assert OTHER in tab.watched
