"""A program that reads nothing is sent no more than buffers hold; one that reads on gets all of it."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness.processes import Process, free_port, listens

from .flood import CHUNK, CHUNKS

HELD_BELOW = 16 * 1024 * 1024  # bytes: what the system's own buffers may take, and a little


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "--access-log", "/dev/null"]
    env = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = Process("flood", [*command, "tests.streaming.api.flood:application"], tmp_path, env)
    yield port if process.start().wait_until(listens(port)) else 0
    process.stop()


def test_a_program_that_reads_nothing_costs_bounded_memory(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as reader, httpx.Client(trust_env=False, timeout=60) as other:
        reader.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        state = {"is_held": False}
        while not state["is_held"]:
            state = other.get(f"http://127.0.0.1:{port}/state").json()
            assert state["sent"] < HELD_BELOW
        received = 0
        while got := len(reader.recv(1 << 20)):
            received += got

    assert received >= len(CHUNK) * CHUNKS
