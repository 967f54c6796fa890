"""The long form: every fault many times, alone and in pairs, in an order that the seed tells."""

from __future__ import annotations

import argparse
import asyncio
import sys

import tests.settings  # noqa: F401 - what the shell sets for the real site reaches no process of this one

from .plan import long_plan, paired_site, run_all, table


def main() -> None:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="a part of the faults' names")
    options = parser.parse_args()
    plan = long_plan(options.runs, options.seed, options.only or "")
    with paired_site() as site:
        outcomes = asyncio.run(run_all(site, plan, options.seed))
    print("\n".join(table(outcomes)))
    sys.exit(not all(outcome.is_well for outcome in outcomes))


if __name__ == "__main__":
    main()
