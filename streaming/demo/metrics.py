"""The metrics of /metrics, under vLLM's names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)


DRAFTED_PER_STEP = 4
TOKENS_PER_STEP = 3  # two accepted draft tokens, and the model's own


class Metrics:
    def __init__(self, model: str, speculative: bool = False) -> None:
        self.registry = CollectorRegistry()
        self._labels = {"model_name": model, "engine": "0"}
        names = tuple(self._labels)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"vllm:{name}", text, names, registry=self.registry).labels(**self._labels)

        def counter(name: str, text: str) -> Counter:
            return Counter(f"vllm:{name}", text, names, registry=self.registry).labels(**self._labels)

        def histogram(name: str, text: str) -> Histogram:
            made = Histogram(f"vllm:{name}", text, names, buckets=SECONDS, registry=self.registry)
            return made.labels(**self._labels)

        self.running = gauge("num_requests_running", "Requests that are being answered.")
        self.waiting = gauge("num_requests_waiting", "Requests that wait for a place.")
        self.kv_cache = gauge("kv_cache_usage_perc", "Share of the places that are taken; the demo has no KV cache.")
        self.prompt_tokens = counter("prompt_tokens", "Tokens of prompts.")
        self.generation_tokens = counter("generation_tokens", "Tokens of answers.")
        self.cache_queries = counter("prefix_cache_queries", "Prompt tokens that were looked up.")
        self.cache_hits = counter("prefix_cache_hits", "Prompt tokens whose prompt was seen before.")
        self.preemptions = counter("num_preemptions", "Always 0.")
        self.ttft = histogram("time_to_first_token_seconds", "Time to first token.")
        self.gap = histogram("inter_token_latency_seconds", "Time between two tokens.")
        self.queue = histogram("request_queue_time_seconds", "Time in the queue.")
        self.e2e = histogram("e2e_request_latency_seconds", "Time of whole requests.")
        self._drafted = self._accepted = None
        if speculative:  # otherwise vLLM does not have these counters
            self._drafted = counter("spec_decode_num_draft_tokens", "Tokens that were guessed; the demo pretends.")
            self._accepted = counter("spec_decode_num_accepted_tokens", "Guesses that were right; the demo pretends.")
        self._success = Counter(
            "vllm:request_success", "Requests by the reason of their end.", (*names, "finished_reason"),
            registry=self.registry,
        )  # fmt: skip
        for reason in ("stop", "length", "abort", "error"):
            self._success.labels(**self._labels, finished_reason=reason)

    def wrote(self, tokens: int) -> None:
        self.generation_tokens.inc(tokens)
        if self._drafted and self._accepted:
            guessed = max(tokens - 1, 0)  # the first token comes from the prefill
            steps = -(-guessed // TOKENS_PER_STEP)
            self._drafted.inc(DRAFTED_PER_STEP * steps)
            self._accepted.inc(guessed - steps)

    def count_finished(self, reason: str) -> None:
        self._success.labels(**self._labels, finished_reason=reason).inc()

    def text(self) -> bytes:
        return generate_latest(self.registry)
