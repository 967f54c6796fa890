"""Runs a program in a process group that ends as a whole: when the program ends, when whoever started this ends in
whatever way, and at SIGTERM. vLLM's engine is a process of its own, which outlives a killed server otherwise.
"""

import ctypes
import os
import signal
import subprocess
import sys

SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_group(*_: object) -> None:
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    assert os.getpgrp() == os.getpid(), "it would end more than it started"
    signal.signal(signal.SIGTERM, end_group)
    ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_DEATH, signal.SIGTERM)
    try:
        subprocess.run(sys.argv[1:], check=False)
    finally:
        end_group()


if __name__ == "__main__":
    main()
