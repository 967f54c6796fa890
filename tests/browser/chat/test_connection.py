"""Connections are lost, servers restart, strangers knock."""

import signal

from playwright.sync_api import expect

from tests.harness.site import Site

from ..conftest import Open


def test_the_page_comes_back_by_itself_after_the_server_restarted(person: Open, site: Site) -> None:
    alice = person()
    alice.expected += ["WebSocket", "ERR_CONNECTION", "502"]
    alice.visit()
    with site.held(40):
        alice.send_message("count to 600")
        alice.wait_for_text(" 30 ")

        site.web.kill()
        alice.page.wait_for_selector("html[data-connection=reconnecting]")
        expect(alice.page.get_by_role("button", name="Retry now")).to_be_visible()
        site.web = site.start_web()
    alice.wait_until_idle()

    assert alice.answer_text.split() == [str(n) for n in range(1, 601)]


def test_a_killed_worker_is_a_pause_and_no_error(person: Open, site: Site) -> None:
    alice = person()
    alice.visit()
    with site.held(70):
        alice.send_message("count to 400")
        alice.wait_for_text(" 60 ")

        site.worker.kill()
        site.worker = site.start_worker()
    alice.wait_until_idle()

    assert alice.state == "done"
    assert alice.answer_text.split() == [str(n) for n in range(1, 401)]


def test_a_question_sent_without_a_connection_is_sent_when_it_is_back(person: Open, site: Site) -> None:
    alice = person()
    alice.expected += ["WebSocket", "ERR_CONNECTION"]
    alice.visit()
    site.web.send(signal.SIGTERM)
    site.web.stop()
    alice.page.wait_for_selector("html[data-connection=reconnecting]")

    alice.send_message("count to 12")
    site.web = site.start_web()
    alice.wait_for_text("12")
    alice.wait_until_idle()

    assert alice.answer_text.split()[-1] == "12"
    assert alice.page.locator("article[data-role=user]").count() == 1


def test_a_stop_without_a_connection_is_told_and_kept(person: Open, site: Site) -> None:
    alice = person()
    alice.expected += ["WebSocket", "ERR_CONNECTION"]
    alice.visit()
    site.hold(40)
    alice.send_message("count to 2000")
    alice.wait_for_text(" 30 ")
    site.web.kill()
    alice.page.wait_for_selector("html[data-connection=reconnecting]")

    alice.click("Stop")

    expect(alice.page.get_by_text("stopped once it is back")).to_be_visible()
    site.web = site.start_web()
    alice.wait_until_idle()
    site.let_go()
    assert alice.state == "stopped"


def test_bob_cannot_open_alices_conversation(person: Open) -> None:
    alice, bob = person(), person("bob")
    alice.visit()
    alice.ask("count to 3")
    bob.expected += ["404"]

    answer = bob.page.goto(alice.page.url)

    assert answer is not None
    assert answer.status == 404
    expect(bob.page.get_by_role("heading")).to_have_text("Page not found")
