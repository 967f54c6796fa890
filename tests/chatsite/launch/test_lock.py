"""What is installed is what was locked: each package with its version and the hashes of its files."""

from __future__ import annotations

import re

import pytest

from tests.check.lock import packages
from tests.harness.processes import ROOT

RUN, TESTS = (ROOT / "requirements.lock").read_text(), (ROOT / "tests" / "check" / "requirements.lock").read_text()


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text)
    return {plain(name): version for name, version in found}


@pytest.mark.parametrize("lock", [RUN, TESTS])
def test_every_package_has_a_version_and_hashes(lock: str) -> None:
    for name, block in packages(lock).items():
        assert re.match(r"\S+==\S+", block) and "--hash=sha256:" in block, name


@pytest.mark.parametrize(("source", "lock"), [("requirements.txt", RUN), ("tests/check/requirements.txt", RUN + TESTS)])
def test_the_lock_follows_what_is_required(source: str, lock: str) -> None:
    """Else: make lock."""
    required, locked = pins((ROOT / source).read_text()), pins(lock)

    assert required and {name: locked.get(name) for name in required} == required


def test_no_package_is_locked_twice() -> None:
    assert not set(pins(RUN)) & set(pins(TESTS))


def test_the_make_targets_install_by_hash_only() -> None:
    installs = re.findall(r"(?m)^\t@\$\(INSTALL\) (.*)$", (ROOT / "Makefile").read_text())

    assert installs == ["--require-hashes -r requirements.lock", "--require-hashes -r tests/check/requirements.lock"]
