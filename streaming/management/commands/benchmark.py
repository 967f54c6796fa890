"""`manage.py benchmark`: what this site adds to its model server, in time, processor, memory and bytes.

It asks a site that runs, on this machine, with a demo model server that keeps a journal. `make benchmark` starts such a
site for the occasion, and this with it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from streaming.benchmark import Failed
from streaming.benchmark.asker import Place
from streaming.benchmark.figures import Result, load, store
from streaming.benchmark.journal import Journal
from streaming.benchmark.measure import Wishes, measure
from streaming.benchmark.meters import Meters
from streaming.benchmark.people import signed_in
from streaming.benchmark.plot import plot
from streaming.benchmark.table import comparison, table
from streaming.management.arguments import positive

FILES_BESIDE_SOCKETS = 100


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--streams", type=numbers, default=(1, 50, 100, 200), help="so many at a time, one run after the other")
        add("--rate", type=positive(float), default=50.0, help="tokens per second and stream")
        add("--tokens", type=positive(int), default=250, help="per stream, while all are running")
        add("--samples", type=positive(int), default=100, help="first tokens; stops and reloads: a quarter of it")
        add("--idle-sockets", type=natural, default=2000, help="0: none")
        add("--find-limit", action="store_true", help="look for the largest number of streams in time")
        add("--json", type=Path, metavar="FILE", help="store the result")
        add("--compare", type=Path, metavar="FILE", help="print the differences to a stored result")
        add("--plot", type=Path, metavar="FILE.svg", help="draw lag against streams")
        add("--site", default=f"http://{settings.HOST}:{settings.PORT}", help="its address")
        add("--model", default=settings.VLLM_BASE_URLS[0], help="address of its demo model server")
        add("--journal", type=Path, metavar="FILE", help="that the demo model server keeps (its --journal)")
        add("--process", type=named_process, action="append", default=[], metavar="NAME=PID", help="one of the site's")

    def handle(self, *args: Any, **options: Any) -> None:
        check_site(options)
        self.check_wishes(options)
        wishes, earlier = wishes_of(options), load_earlier(options["compare"])
        result = Result(timezone.now().isoformat(" ", "minutes"), machine(), str(wishes))
        try:
            result.figures = self._measure(options, wishes)
        except Failed as error:
            raise CommandError(f"The benchmark came to nothing: {error}.") from error
        except KeyboardInterrupt:
            raise CommandError("The benchmark was interrupted.", returncode=130) from None
        self._tell(result, earlier)
        keep(result, options["json"], options["plot"])

    @staticmethod
    def check_wishes(options: dict[str, Any]) -> None:
        """Raises CommandError for what needs no site to be refused."""
        load_earlier(options["compare"])
        for path in (options["json"], options["plot"]):
            if path and not path.absolute().parent.is_dir():
                raise CommandError(f"There is no folder {path.absolute().parent}.")
        allow_open_files(wishes_of(options).sockets + FILES_BESIDE_SOCKETS)

    def _measure(self, options: dict[str, Any], wishes: Wishes) -> list[Any]:
        """Raises Failed."""
        with signed_in(wishes.people) as sessions:
            place = Place(
                site=urlsplit(options["site"]).netloc,
                model=urlsplit(options["model"]).netloc,
                cookie_name=settings.SESSION_COOKIE_NAME,
                sessions=sessions,
                journal=Journal(options["journal"]),
            )
            return asyncio.run(measure(place, Meters(dict(options["process"])), wishes, self._say))

    def _tell(self, result: Result, earlier: Result | None) -> None:
        self.stdout.write("\n".join(table(result)))
        if earlier:
            self.stdout.write("\n" + "\n".join(comparison(earlier, result)))

    def _say(self, step: str) -> None:
        self.stderr.write(f"… {step}", style_func=str)
        self.stderr.flush()


def wishes_of(options: dict[str, Any]) -> Wishes:
    return Wishes(**{name: options[name] for name in Wishes.__dataclass_fields__})


def check_site(options: dict[str, Any]) -> None:
    """Raises CommandError."""
    if options["journal"] is None or not options["journal"].is_file():
        raise CommandError(
            "--journal names no file. Start the demo model server with --journal FILE, or use `make benchmark`."
        )
    if not options["process"]:
        raise CommandError("--process=NAME=PID is missing: one for each process of the site, as `make benchmark` does.")


def allow_open_files(needed: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise CommandError(f"That takes {needed} open files, and this shell allows {hard}: raise `ulimit -Hn`.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def load_earlier(path: Path | None) -> Result | None:
    """Raises CommandError."""
    try:
        return load(path) if path else None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise CommandError(f"{path} is no result of this benchmark: {error}.") from error


def keep(result: Result, json: Path | None, svg: Path | None) -> None:
    if json:
        store(result, json)
    if svg:
        svg.write_text(plot(result))


def machine() -> str:
    return f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}"


# Arguments


def numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted({positive(int)(word) for word in text.split(",")}))


def natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def named_process(text: str) -> tuple[str, int]:
    name, _, pid = text.partition("=")
    return name, natural(pid)
