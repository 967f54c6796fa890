"""vLLM's wire formats: requests, response chunks and errors (recorded from 0.32)."""

from __future__ import annotations

import time
import uuid
from functools import lru_cache
from typing import Any

import msgspec

VERSION = "demo-1.0"
encode = msgspec.json.encode


class Message(msgspec.Struct):
    role: str
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(str(part.get("text", "")) for part in self.content)
        return self.content or ""


class StreamOptions(msgspec.Struct):
    include_usage: bool = False
    continuous_usage_stats: bool = False


class ChatRequest(msgspec.Struct):
    """Ignores unknown fields, like vLLM."""

    messages: list[Message]
    model: str | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    n: int = 1
    stop: str | list[str] | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    continue_final_message: bool = False
    add_generation_prompt: bool = True
    include_reasoning: bool = True
    chat_template_kwargs: dict[str, Any] = {}
    reasoning_effort: str | None = None
    structured_outputs: dict[str, Any] | None = None


class WireError(Exception):
    """An error response."""

    def __init__(self, status: int, message: str, kind: str = "BadRequestError", param: str | None = None):
        super().__init__(message)
        self.status = status
        self.body = encode({"error": {"message": message, "type": kind, "param": param, "code": status}})


class Unauthorized(WireError):
    """Here, vLLM's ``error`` is a bare string."""

    def __init__(self) -> None:
        super().__init__(401, "Unauthorized")
        self.body = b'{"error":"Unauthorized"}'


class NotFound(WireError):
    def __init__(self) -> None:
        super().__init__(404, "Not Found")
        self.body = b'{"detail":"Not Found"}'


def faked(status: int) -> WireError:
    """Returns the error that vLLM would send with this status."""
    if status == 401:
        return Unauthorized()
    known = {
        400: ("This model's maximum context length is 4096 tokens, and your prompt has at least 4097 input tokens.",
              "BadRequestError", "input_tokens"),
        404: ("The model `demo` does not exist.", "NotFoundError", "model"),
        429: ("Too many requests.", "RateLimitError", None),
        503: ("The engine is currently busy. Please retry later.", "Service Unavailable", None),
    }  # fmt: skip
    message, kind, param = known.get(status, ("The demo was told to fail.", "InternalServerError", None))
    return WireError(status, message, kind, param)


class ChunkWriter:
    """Encodes the chunks of one streamed answer in HTTP's chunked encoding; constant parts are encoded once."""

    def __init__(self, request_id: str | None, model: str):
        self.id = f"chatcmpl-{request_id or uuid.uuid4().hex[:16]}"
        self._model = model
        self._head = encode(
            {"id": self.id, "object": "chat.completion.chunk", "created": int(time.time()), "model": model}
        )[:-1]

    def role(self) -> bytes:
        choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
        return self._event(b',"choices":[' + encode(choice) + b'],"prompt_token_ids":null,"prompt_text":null}')

    def token(self, field: str, token: str, logprobs: dict[str, Any] | None, usage: dict[str, Any] | None) -> bytes:
        body = b',"choices":[{"index":0,"delta":{"' + field.encode() + b'":' + quoted(token) + b'},"logprobs":'
        body += (encode(logprobs) if logprobs else b"null") + b',"finish_reason":null,"token_ids":null}]'
        return self._event(body + (b',"usage":' + encode(usage) if usage else b"") + b"}")

    def finish(self, reason: str, stop_reason: str | None) -> bytes:
        choice = {
            "index": 0, "delta": {}, "logprobs": None, "finish_reason": reason, "stop_reason": stop_reason,
            "token_ids": None,
        }  # fmt: skip
        return self._event(b',"choices":[' + encode(choice) + b"]}")

    def usage(self, usage: dict[str, Any]) -> bytes:
        return self._event(b',"choices":[],"usage":' + encode(usage) + b',"system_fingerprint":"vllm-demo"}')

    def error(self, message: str) -> bytes:
        return chunked(
            b"data: "
            + encode({"error": {"message": message, "type": "InternalServerError", "param": None, "code": 500}})
            + b"\n\n"
        )

    def _event(self, rest: bytes) -> bytes:
        return chunked(b"data: " + self._head + rest + b"\n\n")


DONE_EVENT = b"data: [DONE]\n\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=4096)
def quoted(token: str) -> bytes:
    return encode(token)


def usage_of(prompt: int, completion: int, thought: int, cached: int) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
        "completion_tokens": completion,
    }
    usage["prompt_tokens_details"] = {"cached_tokens": cached}
    if thought:
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return usage
