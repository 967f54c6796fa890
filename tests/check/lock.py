"""`make lock`: pins every package of requirements.txt and tests/check/requirements.txt, with the hashes of its files.

For CPython 3.11 and newer on Linux and macOS. What is locked stays as it is; `make lock UPGRADE=1` takes the newest
versions that the requirements allow. Packages come from the index that pip is configured for.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN, TESTS = ROOT / "requirements.lock", ROOT / "tests" / "check" / "requirements.lock"
HEADER = "# By `make lock`, from {source}: every package with the hashes of its files. Not edited by hand.\n"
EVERYWHERE = " and ".join(
    ("platform_python_implementation == 'CPython'", "(sys_platform == 'darwin' or sys_platform == 'linux')")
)


def main() -> None:
    run = compiled(ROOT / "requirements.txt", RUN, [])
    RUN.write_text(HEADER.format(source="requirements.txt") + run)
    everything = compiled(ROOT / "tests" / "check" / "requirements.txt", TESTS, ["--constraint", str(RUN)])
    known = set(packages(run))
    more = [block for name, block in packages(everything).items() if name not in known]
    TESTS.write_text(
        HEADER.format(source="tests/check/requirements.txt") + "-r ../../requirements.lock\n" + "".join(more)
    )
    print(f"{len(known)} packages of the site are locked, and {len(more)} more of its tests.")


def compiled(source: Path, locked: Path, options: list[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "lock"
        if locked.exists() and not os.environ.get("UPGRADE"):
            out.write_text("".join(line for line in locked.read_text().splitlines(True) if not line.startswith("-r")))
        command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", *options]
        command += ["--output-file", str(out), str(source)]
        if subprocess.run(command, cwd=ROOT, env={**os.environ, **pips_index()}, check=False).returncode:
            sys.exit("Nothing was locked: see above.")
        return for_everywhere(out.read_text())


def pips_index() -> dict[str, str]:
    """uv does not read pip's configuration."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )
    index = os.environ.get("PIP_INDEX_URL") or told.stdout.strip()
    return {"UV_DEFAULT_INDEX": index} if index and "UV_DEFAULT_INDEX" not in os.environ else {}


def for_everywhere(lock: str) -> str:
    """Without the markers that say no more than what all of it is for."""
    return lock.replace(f" ; {EVERYWHERE}", "").replace(f" and {EVERYWHERE}", "")


def packages(lock: str) -> dict[str, str]:
    """Name → its lines."""
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", lock)
    return {match[0]: block for block in blocks if (match := re.match(r"[A-Za-z0-9._-]+", block))}


if __name__ == "__main__":
    main()
