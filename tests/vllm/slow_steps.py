"""A logits processor for vLLM that makes each of its steps take a while, so that a test can come in between."""

import os
import time
from typing import Any

from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor

STEP_S = float(os.environ.get("VLLM_TEST_STEP_S", "0"))


class SlowSteps(LogitsProcessor):
    def __init__(self, *_: Any):
        pass

    def is_argmax_invariant(self) -> bool:
        """vLLM leaves out a processor that says yes where the likeliest token is taken."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        pass

    def apply(self, logits: Any) -> Any:
        time.sleep(STEP_S)
        return logits
