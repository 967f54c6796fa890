"""Real vLLM servers with the tiny model, and the site that asks them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import httpx

from streaming.model_servers.vllm.client import ModelServer
from tests.harness.processes import ROOT, Process, free_port
from tests.harness.site import Site

BUILT = ROOT / "var" / "vllm"  # by `make test-vllm`
MODEL = "tiny"
CONTEXT = 1024  # tokens
MAX_TOKENS = 600  # more than a usual answer has
STEP_S = 0.015  # of the engine, at least
READY_WITHIN_S = 180.0  # of two servers that start on two processors at a time
WITHOUT_PROMPTS = "from conversations.models import Stage; Stage.objects.update(system_prompt='')"
KV_CACHE_BYTES = 32 * 2**20
ENVIRONMENT = {
    # The default executor waits busily, which on two processors stops every other process's timers.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "OMP_NUM_THREADS": "1",
    "TORCHDYNAMO_DISABLE": "1",  # else the first request for logprobs compiles for ten seconds and more
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONPATH": str(Path(__file__).parent),  # for slow_steps
    "VLLM_TEST_STEP_S": str(STEP_S),
}


class VllmServer(Process):
    def __init__(self, folder: Path, name: str, *options: str):
        self.port = free_port()
        self.model_server = ModelServer(f"http://127.0.0.1:{self.port}/v1")
        command = [
            str(BUILT / "venv/bin/vllm"), "serve", str(BUILT / "model"), "--served-model-name", MODEL,
            "--host", "127.0.0.1", "--port", str(self.port), "--dtype", "float32", "--enforce-eager",
            "--max-model-len", str(CONTEXT), "--kv-cache-memory-bytes", str(KV_CACHE_BYTES),
            "--distributed-executor-backend", "uni", "--logits-processors", "slow_steps:SlowSteps", *options,
        ]  # fmt: skip
        super().__init__(
            name, [sys.executable, str(Path(__file__).with_name("guard.py")), *command], folder, ENVIRONMENT
        )

    def wait_until_ready(self) -> VllmServer:
        self.wait_until(self._is_healthy, READY_WITHIN_S)
        return self

    def figure(self, name: str) -> float:
        """Of its own metrics, summed over the labels."""
        text = httpx.get(f"{self.model_server.root}/metrics", trust_env=False, timeout=60).text
        return sum(float(value) for value in re.findall(rf"^vllm:{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    def wait_until_idle(self) -> None:
        """No request runs or waits there."""
        self.wait_until(lambda: self.figure("num_requests_running") + self.figure("num_requests_waiting") == 0)

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.model_server.root}/health", trust_env=False, timeout=60).is_success
        except httpx.TransportError:
            return False


class VllmSite(Site):
    """The whole site, at temperature 0, before two servers: the second is asked where the first fails."""

    def __init__(self, folder: Path):
        super().__init__(folder, model_servers=2)
        self.first = VllmServer(folder, "vllm-first")
        self.second = VllmServer(folder, "vllm-second", "--reasoning-parser", "qwen3")
        self.env |= {
            "VLLM_BASE_URL": ",".join(server.model_server.base_url for server in (self.first, self.second)),
            "VLLM_FIRST_TOKEN_TIMEOUT_S": "60",
            "VLLM_SILENCE_TIMEOUT_S": "30",
            "VLLM_MAX_TOKENS": str(MAX_TOKENS),
            "VLLM_TEMPERATURE": "0",
            "SYSTEM_PROMPT": "",  # the model has learnt none
            "DEFAULT_MODE": "quick",  # one stage
        }

    def start(self) -> VllmSite:
        super().start()
        self.manage("shell", "--no-imports", "-c", WITHOUT_PROMPTS)
        return self

    def start_model(self, number: int = 0) -> Process:
        """The first starts both, side by side."""
        servers = (self.first, self.second)
        for server in () if number else servers:
            server.start()
        return servers[number].wait_until_ready()
