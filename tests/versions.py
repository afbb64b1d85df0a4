"""The package with the oldest versions that pyproject.toml allows, and with the newest that there are.

    python tests/versions.py oldest|newest|both [--python PYTHON] [--folder DIR] [TEST ...]

Each time a fresh environment is made and the tests that touch Dask, xarray and Zarr most are run in it. `oldest` takes
every dependency at its lower bound, which therefore names a release; `newest` leaves them to pip. Ends with status 1
where an installation or a test fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ("tests/blocks", "tests/store", "tests/cluster/test_cluster_local.py", "tests/test_workflows.py")
# What the tests import beside the package.
TOOLS = ("pytest", "hypothesis", "cryptography")
SHOWN = ("dask", "distributed", "xarray", "zarr", "numpy", "numba", "scipy", "scikit-learn")


def lower_bounds(requirements: Iterable[str]) -> list[str]:
    """Requirements such as `dask[array]>=2026.8,<2027` as pins of the lower bound."""
    pins = []
    for requirement in requirements:
        name, _, bound = requirement.partition(";")[0].partition(">=")
        if not bound:
            raise SystemExit(f"{requirement} in pyproject.toml has no lower bound")
        pins.append(f"{name.strip()}=={bound.partition(',')[0].strip()}")
    return pins


def environment(python: str, folder: Path, pins: list[str]) -> Path:
    """The Python of a new environment with the package as it lies here, and what it needs."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    own = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [str(own), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*install, "--editable", str(ROOT), *pins, *TOOLS], check=True)
    return own


def versions(python: Path) -> str:
    """The versions that an environment holds."""
    code = (
        f"from importlib.metadata import version\nfor name in {SHOWN}: print(name, version(name), end='  ')"
    )
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def tried(which: str, python: str, place: Path | None, tests: list[str]) -> bool:
    """Whether the tests pass with the oldest or newest versions."""
    pins = []
    if which == "oldest":
        with (ROOT / "pyproject.toml").open("rb") as file:
            pins = lower_bounds(tomllib.load(file)["project"]["dependencies"])
    with tempfile.TemporaryDirectory(dir=place) as folder:
        try:
            own = environment(python, Path(folder), pins)
        except subprocess.CalledProcessError as error:
            print(f"{which}: cannot be installed, {error}", flush=True)
            return False
        print(f"{which}: {versions(own)}", flush=True)
        command = [str(own), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "long or not long", *tests]
        # Kernels compiled by one version of numba are not kept for another.
        result = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"NUMBA_CACHE_DIR": str(Path(folder) / "numba")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if result.returncode:
        print(result.stdout)
    print(f"{which}: {(result.stdout.strip().splitlines() or ['nothing said'])[-1]}", flush=True)
    return result.returncode == 0


def main() -> None:
    """Print versions and pytest's closing lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("which", choices=("oldest", "newest", "both"))
    parser.add_argument("tests", nargs="*", default=list(TESTS))
    parser.add_argument("--python", default=sys.executable, help="makes the environments")
    parser.add_argument("--folder", type=Path, help="where there is room for an environment")
    options = parser.parse_intermixed_args()
    both = ("oldest", "newest") if options.which == "both" else (options.which,)
    passed = [tried(which, options.python, options.folder, options.tests) for which in both]
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
