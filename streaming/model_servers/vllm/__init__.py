"""The OpenAI-compatible HTTP protocol as vLLM speaks it (0.32 on the wire), and nothing of ours."""
