"""`make audit`: looks every locked package up in a database of known vulnerabilities.

Exit code 0: none is known. 1: some are, and are listed. 3: nobody could be asked, so nothing was checked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("pypi", "osv")  # as pip-audit calls them
NONE_KNOWN, SOME_KNOWN, NOT_CHECKED = 0, 1, 3


def main() -> None:
    for service in SERVICES:
        if (found := asked(service)) is not None:
            tell(found, service)
    print("NOT CHECKED: no database of vulnerabilities can be reached from here. Run it where there is one.")
    sys.exit(NOT_CHECKED)


def asked(service: str) -> list[dict[str, Any]] | None:
    """The packages that it told of; None if it could not be asked."""
    locks = [
        option for path in ("requirements.lock", "tests/check/requirements.lock") for option in ("-r", str(ROOT / path))
    ]
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--format", "json"]
    command += ["--progress-spinner", "off", "--disable-pip", "--require-hashes", "--timeout", "10", *locks]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"{service}: {(ended.stderr.strip().splitlines() or ['no answer'])[-1]}", file=sys.stderr)
        return None
    if skipped := [row for row in found if "skip_reason" in row]:
        print(f"{service}: {len(skipped)} packages were skipped: {skipped[0]['skip_reason']}", file=sys.stderr)
        return None
    return found


def tell(found: list[dict[str, Any]], service: str) -> None:
    bad = [(row, vulnerability) for row in found for vulnerability in row["vulns"]]
    for row, vulnerability in bad:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{row['name']} {row['version']}: {vulnerability['id']}, mended in {fixed}")
    print(f"{len(found)} packages were looked up ({service}): {len(bad)} known vulnerabilities.")
    sys.exit(SOME_KNOWN if bad else NONE_KNOWN)


if __name__ == "__main__":
    main()
