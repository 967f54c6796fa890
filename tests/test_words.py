"""Words that gave way to the field's (ARCHITECTURE.md, "Words") do not come back: as names, on pages, in docs."""

from __future__ import annotations

import re

import pytest

from tests.harness.processes import ROOT

FOLDERS = ("chatsite", "conversations", "streaming", "templates", "static", "docs")
KINDS = {".py", ".js", ".html", ".txt", ".css", ".md"}
HISTORY = ("migrations",)

NAMES = (  # what came instead
    "Abilities",  # RouteCapabilities
    "Ability",  # Capability
    "Certainty",  # ConfidenceTracker
    "Clock",  # GenerationTiming
    "drained_names",  # drained_servers
    "Flight",  # InFlightRequest
    "heard_for",  # heartbeats
    "is_paid_elsewhere",  # billed_to_other
    "judgement",  # review
    "look_at_end",  # check_ended
    "LookAdmin",  # AccessLogEntryAdmin
    "Manner",  # Behaviour
    "note_failure",  # record_failure
    "note_token",  # record_token
    "note_paint",  # store_first_paint
    "Offer",  # Candidate
    "outcomes_as_json",  # results_as_json
    "places_now",  # queue_positions_now
    "pooling",  # batch_delay
    "Pulse",  # EventLoopMonitor
    "RequestStats",  # StageResult
    "rest_s",  # batch_delay
    "Sight",  # StageResult
    "said_before",  # transcript
    "SITES_OWN",  # INTERNAL
    "sites_own",  # internal_usage
    "Situation",  # SiteSnapshot
    "spared",  # saved_by_cache
    "stage_outcomes",  # stage_results
    "stored_troubles",  # stored_problems
    "strongest_cost",  # baseline_cost
    "told_key",  # warming_key
    "told_cost",  # shown_cost
    "told_scores",  # scores_in_words
    "UNSURE_BELOW",  # LOW_CONFIDENCE_BELOW
    "unsure_share",  # low_confidence_share
    "view_look",  # view_accesslogentry
    "viewer_counts",  # delivery, viewers_now
    "Vitals",  # ProcessStats
    "Wanted",  # QueryParams
    "wants_html",  # needs_html
    "Wishes",  # Options
)
SENTENCES = (
    "is not to be had",  # is unavailable
    "has to mend that",  # contact your administrator
    "picking the answer up",  # resuming
    "is written anew",  # restarted
    "breaks the line",  # for a new line
    "put the text back",  # restore my text
    "unsure passages",  # low-confidence passages
    "fresh answer",  # regenerate without cache
    "all is well",  # healthy
    "what counts as bad",  # thresholds
    "what is told here",  # about these stats
    "no alert is firing",  # no open alerts
    "nothing is known of this time",  # no data
    "19 of 20 of",  # p95
    "why it was routed",  # routing decisions
    "the same as figures",  # as a table
    "the site is well",  # healthy
    "none was asked",  # none
    "loop wakes late",  # event-loop lag
    "going on, at most",  # concurrent (peak)
    "why this model",  # how this was answered
    "waiting for a free place",  # waiting in line
    "save and ask",  # send
    "too much at once",  # too many requests
    "not signed in any more",  # you've been signed out
    "is not here any more",  # was deleted
    "fell silent in",  # stopped responding
    "tell an operator",  # tell your administrator
    "show text at an even pace",  # smooth streaming
    "make a token",  # create token
    "our mistake",  # something went wrong
    "not for you",  # no access
    "where shall we begin",  # how can I help?
)


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """By path. Lines are joined, since a sentence may be broken."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in KINDS]
    paths += [ROOT / "README.md", ROOT / "ARCHITECTURE.md"]
    return {
        str(path.relative_to(ROOT)): " ".join(path.read_text().split())
        for path in paths
        if not set(HISTORY) & set(path.parts)
    }


@pytest.mark.parametrize("word", NAMES)
def test_a_name_that_was_given_up_is_not_used_again(word: str, texts: dict[str, str]) -> None:
    assert [path for path, text in texts.items() if re.search(rf"\b{word}\b", text)] == []


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_that_was_given_up_is_not_said_again(sentence: str, texts: dict[str, str]) -> None:
    assert [path for path, text in texts.items() if sentence in text.lower()] == []
