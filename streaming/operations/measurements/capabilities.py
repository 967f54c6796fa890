"""The capabilities of a model server in words."""

from __future__ import annotations

from collections.abc import Mapping

from streaming.model_servers.capabilities import NO, REFUSED, YES, Capability, Continuing, Probabilities, Subject

from .servers import Fact

GOING_ON: dict[str, str] = {
    Continuing.EXACT: "exactly",
    Continuing.REPEATS: "repeats the beginning",
    Continuing.ANEW: "ignores it and begins anew",
    Continuing.REFUSES: "refuses",
}
REPORTING: dict[str, str] = {
    Probabilities.PLAIN: "reported",
    Probabilities.TOP_ONE: "reported, only with top_logprobs 1",
    Probabilities.NOT_PLAIN: "none with top_logprobs 0",
    Probabilities.NONE: "none",
}
YES_NO: dict[str, str] = {YES: "yes", NO: "no", REFUSED: "refuses"}
NAMES: dict[Capability, tuple[str, Mapping[str, str]]] = {
    Capability.CONTINUING: ("Continues a text", GOING_ON),
    Capability.CONTINUING_WHOLE: ("Continues a text, not streamed", GOING_ON),
    Capability.PROBABILITIES: ("Probabilities", REPORTING),
    Capability.USAGE: ("Usage in the stream", YES_NO),
    Capability.STREAMING: ("Streams", YES_NO),
    Capability.LIST_CONTENT: ("Content as a list", YES_NO),
    Capability.TEMPLATE_ARGUMENTS: ("Arguments of the chat template", YES_NO),
}
RARE = (Capability.CONTINUING_WHOLE, Capability.TEMPLATE_ARGUMENTS)  # shown only if known


def facts_of_capabilities(server: str, known: Mapping[Subject, str]) -> list[Fact]:
    """Names the models where they differ."""
    facts = []
    for capability, (name, words) in NAMES.items():
        found = {
            its.model: words[value]
            for its, value in known.items()
            if its[::2] == (server, capability) and value in words
        }
        if found or capability not in RARE:
            facts.append(Fact(name, in_words(found), lacking="not learned yet"))
    return facts


def in_words(found: Mapping[str, str]) -> str:
    if len(set(found.values())) <= 1:
        return next(iter(found.values()), "")
    return "; ".join(f"{model}: {words}" for model, words in sorted(found.items()))
