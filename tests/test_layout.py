"""Imports point down: chatsite → streaming → conversations → Django. No cycles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("chatsite", "conversations", "streaming")
PROGRAMS = (ROOT / "manage.py", ROOT / "deploy" / "manager.py")
READERS = ("chatsite/settings.py", "chatsite/environment.py", "chatsite/launch/", "deploy/")
LIVE = {"redis", "httpx", "channels", "channels_redis", "celery", "daphne", "websockets", "asyncio", "msgspec"}


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


MODULES = modules()


@cache
def imported(module: str) -> frozenset[str]:
    """The dotted names that a module asks for when it is imported, as absolute ones."""
    return frozenset(imports_of(module))


def imports_of(module: str) -> Iterator[str]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in executed(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (name if (name := f"{source}.{alias.name}") in MODULES else source for alias in node.names)


def executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under TYPE_CHECKING, which are no imports when it runs."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from executed(node)


def package_of(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize(
    ("package", "above"), [("conversations", {"streaming", "chatsite", *LIVE}), ("streaming", {"chatsite"})]
)
def test_a_package_knows_nothing_of_those_above_it(package: str, above: set[str]) -> None:
    modules = [module for module in MODULES if package_of(module) == package]

    assert [module for module in modules if above & {package_of(name) for name in imported(module)}] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: {name for name in imported(module) if name in MODULES and name != module} for module in MODULES}

    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_the_walk_sees_imports_of_every_kind() -> None:
    assert "conversations.models.chat.conversation" in imported("conversations.models.review")  # relative
    assert "conversations.models" in imported("streaming.tasks")
    assert "redis" in {package_of(name) for name in imported("streaming.coordination.dispatch")}


def test_only_the_settings_and_the_launcher_read_the_environment() -> None:
    paths = [path for path in (*MODULES.values(), *PROGRAMS) if reads_environment(path.read_text())]

    assert [path for path in paths if not str(path.relative_to(ROOT)).startswith(READERS)] == []


@pytest.mark.parametrize(
    "source", ["import os; os.environ['A']", "import os; os.getenv('A')", "from os import environ", "import environ"]
)
def test_the_walk_sees_every_way_to_read_the_environment(source: str) -> None:
    assert reads_environment(source)
    assert not reads_environment("import os; os.environ.setdefault('A', 'b')")


def reads_environment(source: str) -> bool:
    """Naming the settings by ``setdefault`` is no reading."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)]
    by_import = [ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    reads = names.count("os.environ") + names.count("os.getenv") - names.count("os.environ.setdefault")
    return reads > 0 or any(re.search(r"\b(environ|getenv)\b", line) for line in by_import)
