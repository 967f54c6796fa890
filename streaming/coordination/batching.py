"""How long to rest between two rounds that serve all streams, so that one round serves several of them.

A round has a price of its own: a pipeline, a blocking read that names every log. Few streams pay it for each token, and
wait for nothing; many share it, and wait for a few milliseconds. docs/performance.md has what that gains.
"""

from __future__ import annotations

FEW = 16  # streams
REST_PER_STREAM_S = 0.000025
LONGEST_REST_S = 0.01


def batch_delay(streams: int) -> float:
    """0 for few."""
    return min(streams * REST_PER_STREAM_S, LONGEST_REST_S) if streams > FEW else 0.0
