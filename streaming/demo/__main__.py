"""`python -m streaming.demo`: does not import Django, and starts in a fraction of a second."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import get_args, get_type_hints

from streaming.management.arguments import number

from .completion import Options
from .faults import Behaviour
from .server import DemoServer, serve

# Fields of Behaviour that the command line sets.
KINDS = ("ttft", "rate", "continuing", "probabilities", "no_stream", "no_usage", "no_lists", "odd_figures")


def choices_of(name: str) -> tuple[str, ...]:
    return get_args(get_type_hints(Behaviour)[name])


def arguments_of(about: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m streaming.demo", description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=number(int, 0, 65535), default=8100, help="0 takes a free one; it is printed")
    parser.add_argument("--model", default="demo", help="names of the models, separated by commas")
    parser.add_argument("--ttft", type=number(float), default=Behaviour().ttft, help="seconds to the first token")
    parser.add_argument("--rate", type=number(float), default=Behaviour().rate, help="tokens per second; 0: at once")
    parser.add_argument(
        "--max-model-len", type=number(int, 1), default=Options().max_model_len, help="tokens of the context"
    )
    parser.add_argument("--max-num-seqs", type=number(int, 1), default=256, help="requests at a time; the others wait")
    parser.add_argument("--max-num-queued-reqs", type=number(int), default=None, help="waiting ones; beyond: 503")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--reasoning-parser", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--strict-continuation", action="store_true", help="refuse a text that is not its own")
    parser.add_argument(
        "--continuing", choices=choices_of("continuing"), default="exact", help="how it goes on from a text"
    )
    parser.add_argument("--probabilities", choices=choices_of("probabilities"), default="all", help="which it sends")
    parser.add_argument("--no-stream", action="store_true", help="refuse to stream")
    parser.add_argument("--no-usage", action="store_true", help="report no token counts")
    parser.add_argument("--no-lists", action="store_true", help="refuse content as a list of parts")
    parser.add_argument("--odd-figures", action="store_true", help="report counts and probabilities that cannot be")
    parser.add_argument("--journal", type=Path, default=None, help="note in this file when each token was sent")
    parser.add_argument("--speculative", action="store_true", help="report figures as if it guessed tokens ahead")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    server = DemoServer(
        Options(
            models=tuple(options.model.split(",")),
            max_model_len=options.max_model_len,
            reasoning_parser=options.reasoning_parser,
            strict_continuation=options.strict_continuation,
            speculative=options.speculative,
        ),
        Behaviour(**{name: getattr(options, name) for name in KINDS}),
        api_key=options.api_key,
        places=options.max_num_seqs,
        queue=options.max_num_queued_reqs,
        journal=options.journal,
    )

    def ready(port: int) -> None:
        print(f"demo model server on http://{options.host}:{port}/v1", flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(server, options.host, options.port, ready))


def main() -> None:
    from . import __doc__ as about  # the prompts and directives, for --help

    try:
        run(arguments_of(about))
    except OSError as error:
        sys.exit(f"The demo model server cannot start: {error}. Choose another port (DEMO_MODEL_PORT, --port).")


if __name__ == "__main__":
    main()
