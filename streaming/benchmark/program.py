"""`make benchmark` once a site runs: options, measurement, and output."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from django.conf import settings
from django.utils import timezone

from streaming.demo.journal import JournalReader
from streaming.management.arguments import number, positive

from . import Failed
from .askers import Place
from .figures import Result, load, store
from .measure import Options, measure
from .meters import Meters
from .people import signed_in
from .report import comparison, plot, table
from .run import Load

FILES_BESIDE_SOCKETS = 100


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Ends the program with a sentence for invalid options. Raises the limit of open files as needed."""
    parser = argparse.ArgumentParser("make benchmark")
    add = parser.add_argument
    add("--streams", type=numbers, default=(1, 50, 100, 200), help="so many at a time, one run after the other")
    add("--rate", type=positive(float), default=50.0, help="tokens per second and stream")
    add("--tokens", type=positive(int), default=250, help="per stream, while all are running")
    add("--samples", type=positive(int), default=100, help="first tokens; stops and reloads: a quarter of it")
    add("--idle-sockets", type=number(int), default=2000, help="0: none")
    add("--find-limit", action="store_true", help="look for the largest number of streams in time")
    add("--json", type=file_to_write, metavar="FILE", help="store the result")
    add("--compare", type=stored_result, metavar="FILE", help="print the differences to a stored result")
    add("--plot", type=file_to_write, metavar="FILE.svg", help="draw lag against streams")
    arguments = parser.parse_args(words)
    needed = options_of(arguments).people + FILES_BESIDE_SOCKETS
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        parser.error(f"that takes {needed} open files, and this shell allows {hard}: raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return arguments


def run(arguments: argparse.Namespace, site: str, model: str, journal: Path, processes: Mapping[str, int]) -> None:
    """Addresses are host:port; ``processes``: name → pid. Ends the program with a sentence if measuring fails."""
    options = options_of(arguments)
    machine = f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"
    result = Result(timezone.now().isoformat(" ", "minutes"), machine, str(options))
    try:
        with signed_in(options.people) as sessions:
            place = Place(site, model, settings.SESSION_COOKIE_NAME, sessions, JournalReader(journal))
            result.figures = asyncio.run(measure(place, Meters(processes), options, say))
    except Failed as error:
        sys.exit(f"The benchmark failed: {error}.")
    print("\n".join(table(result)))
    if arguments.compare:
        print("\n" + "\n".join(comparison(arguments.compare, result)))
    if arguments.json:
        store(result, arguments.json)
    if arguments.plot:
        arguments.plot.write_text(plot(result))


def options_of(arguments: argparse.Namespace) -> Options:
    return Options(
        streams=arguments.streams,
        load=Load(arguments.rate, arguments.tokens),
        samples=arguments.samples,
        idle_sockets=arguments.idle_sockets,
        find_limit=arguments.find_limit,
    )


def say(step: str) -> None:
    print(f"… {step}", file=sys.stderr, flush=True)


# Arguments


def numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted({positive(int)(word) for word in text.split(",")}))


def file_to_write(text: str) -> Path:
    path = Path(text).absolute()
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def stored_result(text: str) -> Result:
    try:
        return load(Path(text))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise argparse.ArgumentTypeError(f"{text} is no result of this benchmark: {error}") from error
