"""A refusal has its code and its words, whatever shape it has."""

from __future__ import annotations

import json

import pytest

from conversations.models.generation.errors import ErrorCode
from streaming.model_servers.vllm.errors import in_stream, missing_answer, rejection

CONTEXT = "maximum context length is 4096"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b'{"error":"Unauthorized"}', ErrorCode.UNAUTHORISED),
        (404, b'{"error":{"message":"The model `x` does not exist.","code":404}}', ErrorCode.UNKNOWN_MODEL),
        (400, b'{"error":{"message":"maximum context length is 4096","code":400}}', ErrorCode.CONTEXT_TOO_LONG),
        (400, b'{"error":{"message":"no","code":"context_length_exceeded"}}', ErrorCode.CONTEXT_TOO_LONG),
        (400, b'{"error":{"message":"exceeds the available Context Size"}}', ErrorCode.CONTEXT_TOO_LONG),
        (413, b"", ErrorCode.CONTEXT_TOO_LONG),
        (400, b'{"error":{"message":"temperature must be positive","code":400}}', ErrorCode.REFUSED),
        (400, b'{"object":"error","message":"old shape","code":400}', ErrorCode.REFUSED),
        (422, b'{"detail":[{"loc":["body"],"msg":"field required"}]}', ErrorCode.REFUSED),
        (503, b'{"error":{"message":"busy","code":503}}', ErrorCode.OVERLOADED),
        (500, b"<html>nginx</html>", ErrorCode.SERVER_ERROR),
        (302, b"", ErrorCode.REDIRECTED),
        (600, b"\xff\0", ErrorCode.SERVER_ERROR),
    ],
)
def test_every_refusal_has_its_code(status: int, body: bytes, code: ErrorCode) -> None:
    assert rejection(status, body).code == code


@pytest.mark.parametrize(
    "body",
    [
        *({"error": {"message": CONTEXT}}, {"error": CONTEXT}, {"message": CONTEXT}, {"detail": CONTEXT}, CONTEXT),
        *(
            [{"error": {"message": CONTEXT}}],
            {"errors": [{"message": CONTEXT}]},
            {"error": {"error": {"msg": CONTEXT}}},
        ),
        {"detail": [{"loc": ["body"], "msg": CONTEXT}]},
    ],
)
def test_its_words_are_found_wherever_they_stand(body: object) -> None:
    found = rejection(400, json.dumps(body).encode())

    assert (str(found), found.code) == (f"400: {CONTEXT}", ErrorCode.CONTEXT_TOO_LONG)


@pytest.mark.parametrize(
    "odd", [None, True, 7, 1e99, -1, [], {}, [[]], {"message": None}, {"message": 7}, {"message": {}}]
)
def test_an_odd_body_is_quoted(odd: object) -> None:
    body = json.dumps({"error": odd}).encode()

    assert str(rejection(400, body)) == f"400: {body.decode()}"


@pytest.mark.parametrize(
    "code", [None, True, 7, -1, 1e99, 10**30, "?", [], {}, "500", 500, "server_error", 200, "NaN", {"a": 1}]
)
def test_an_error_code_of_any_type_is_taken(code: object) -> None:
    assert in_stream({"message": "x", "code": code}).status == 500


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 429}, ErrorCode.OVERLOADED),
        ({"code": "429"}, ErrorCode.OVERLOADED),
        ({"code": 429.0}, ErrorCode.OVERLOADED),
        ({"error": {"code": 429}}, ErrorCode.OVERLOADED),
        ({"code": "rate_limit_exceeded"}, ErrorCode.OVERLOADED),
        ({"code": None, "type": "invalid_request_error", "message": "bad"}, ErrorCode.REFUSED),
        ({"code": "context_length_exceeded", "message": "?"}, ErrorCode.CONTEXT_TOO_LONG),
        ("busy", ErrorCode.SERVER_ERROR),
        (["busy"], ErrorCode.SERVER_ERROR),
        (True, ErrorCode.SERVER_ERROR),
    ],
)
def test_an_error_inside_a_stream_has_its_code(error: object, code: ErrorCode) -> None:
    assert in_stream(error).code == code


def test_what_a_server_says_is_cut_and_can_be_stored() -> None:
    found = rejection(400, json.dumps({"error": "a\0" + "x" * 5000}).encode())

    assert len(str(found)) <= 1000
    assert "\0" not in str(found)


def test_a_redirect_says_where_to() -> None:
    found = rejection(308, b"", "sk-key", location="https://new.example/v1?key=sk-key")

    assert str(found) == "308: it redirects to https://new.example/v1?key=[key]"


@pytest.mark.parametrize(
    ("reason", "has_text", "code"),
    [
        ("stop", True, None),
        ("length", True, None),
        ("tool_calls", True, None),
        ("anything", True, None),
        ("content_filter", True, ErrorCode.FILTERED),
        ("refusal", True, ErrorCode.DECLINED),
        ("stop", False, ErrorCode.EMPTY),
        ("anything", False, ErrorCode.EMPTY),
        ("", False, ErrorCode.EMPTY),
        ("length", False, ErrorCode.NO_ROOM),
        ("tool_calls", False, ErrorCode.TOOL_CALL),
        ("content_filter", False, ErrorCode.FILTERED),
        ("refusal", False, ErrorCode.DECLINED),
    ],
)
def test_an_end_that_is_no_answer_says_why(reason: str, has_text: bool, code: ErrorCode | None) -> None:
    missing = missing_answer(reason, has_text=has_text)

    assert (missing and missing.code) == code
