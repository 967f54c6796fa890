""".env.example names every setting that settings.py reads, with its default; `make` makes .env from it."""

from __future__ import annotations

import ast
import re
import shutil
import stat
import subprocess
from pathlib import Path

from tests.harness.processes import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
PROGRAM = ast.parse((ROOT / "chatsite" / "settings.py").read_text())
CALLS = [
    node
    for node in ast.walk(PROGRAM)
    if isinstance(node, ast.Call)
    and isinstance(node.func, ast.Attribute)
    and isinstance(node.func.value, ast.Name)
    and node.func.value.id == "env"
    and node.func.attr != "read_env"
]


def literal(node: ast.expr) -> object:
    """None if it is not one: a default that depends on something."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def written(default: object) -> str:
    match default:
        case bool():
            return str(default).lower()
        case list():
            return ",".join(default)
    return str(default)


def test_the_example_names_what_the_settings_read() -> None:
    read = {literal(call.args[0]) for call in CALLS}

    assert set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE)) == read


def test_the_example_shows_the_defaults() -> None:
    shown = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))

    for call in CALLS:
        name = str(literal(call.args[0]))
        given = [*call.args[1:], *(word.value for word in call.keywords)]
        default = literal(given[0]) if given else ""
        if name in shown and default is not None and default != "":
            assert shown[name] == written(default), name


def test_make_writes_a_private_env_once(tmp_path: Path) -> None:
    folder = checkout(tmp_path)

    subprocess.run(["make", ".env"], cwd=folder, check=True)
    first = (folder / ".env").read_text()
    subprocess.run(["make", ".env"], cwd=folder, check=True)

    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    assert "\nDEBUG=true\n" in first
    assert len(re.findall(r"^SECRET_KEY=(.{60,})$", first, re.MULTILINE)) == 1
    assert (folder / ".env").read_text() == first


def checkout(folder: Path) -> Path:
    """With a virtual environment that is up to date, as far as make can see."""
    for name in ("Makefile", ".env.example", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(ROOT / ".venv" / "bin" / "python")
    (folder / ".venv" / "bin" / "pip").touch()
    (folder / ".venv" / "run.stamp").touch()
    return folder
