"""Malformed recipes, images, spectra, energies and catalogs: a message, no traceback, no hang, nothing written elsewhere."""

from __future__ import annotations

import contextlib
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.phantom import Phantom, write_phantom

pytestmark = pytest.mark.long

LIMIT_SECONDS = 30
GOOD = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi}}
  - correct.absorbance
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
"""
HEAD, ABSORBANCE = GOOD[: GOOD.index("  - correct")], "  - correct.absorbance\n"
BY_HAND = [
    "", "\0", "\ufeff", "[", "{", "- a", "recipe: 1", "recipe: 1\nsteps:", "recipe: 1\nsteps: []", "recipe: 2\nsteps: [a]",
    "recipe: true\nsteps: [a]", "recipe: 1\nsteps: {a: b}", "recipe: 1\nsteps: [1, null, [], {}]", "recipe: 1\nrecipe: 1\n",
    "%YAML 1.1\n---\nrecipe: 1", "recipe: 1\n---\nrecipe: 1", "recipe: 1\nsteps: [!!python/object/apply:os.system [true]]",
    "recipe: 1\nsteps: [!!binary aGVsbG8=]", "recipe: 1\nsteps: [&a [*a]]", "recipe: 1\nsteps: [*nowhere]",
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n",
    "[" * 5000, "{a: " * 3000, "recipe: 1\nsteps:\n" + "  - correct.absorbance\n" * 1200, "a" * 1_100_000,
    "recipe: 1\nsteps: [" + "9" * 10_000 + "]", "recipe: 1\nsteps: [.nan, .inf, -.inf]", "recipe: 1e999\nsteps: [a]",
    "recipe: 1\nsteps: [\u202ecorrect.absorbance]",
    "recipe: 1\nsteps: [\ud800]".encode("utf-8", "surrogatepass").decode("latin1"),
    "recipe: 1\n\tsteps: [a]", "recipe: 1\nsteps: [__import__.os, os.system, ../correct.absorbance]",
    "recipe: 1\nname: {a: b}\nsteps: [correct.absorbance]", "recipe: 1\nsteps: [report.page]",
    *(
        GOOD.replace("energies.csv", name)
        for name in ("../energies.csv", "/etc/hostname", "~", "''", "'*'", "'[!'", "'**/**'", "references:x", "sample",
                     "'\\0'", "x" * 5000, "sample/*.tif", "null", "dark/*.tif", "references/Fe.xdi")
    ),
    *(
        GOOD.replace("dark/*.tif", name)
        for name in ("sample/*.tif", "energies.csv", "'**'", "'*/*'", "references/*", "truth.npz", "../*", "'{a,b}'")
    ),
    *(
        HEAD + ABSORBANCE + f"  - {line}\n"
        for line in (
            "normalize.edge_step: {e0: 1.0e+300}", "normalize.edge_step: {e0: -1}", "normalize.edge_step: {e0: .nan}",
            "normalize.edge_step: {pre1: 5, pre2: -5}", "normalize.edge_step: {nnorm: 99}", "correct.average: {window: 0}",
            "correct.average: {window: 999999}", "correct.crop: {y: [5, 2]}", "correct.crop: {x: [-9, 999]}",
            "correct.bin: {size: 1000000}", "derive.derivative: {window: 1.0e-9}", "derive.derivative: {window: 1.0e+9}",
            "derive.resample: {step: 1.0e-12}", "derive.resample: {step: -1}", "calibrate.constant: {shift: 1.0e+9}",
            "ingest.store: {tile: 0}", "ingest.store: {tile: 9999999999}", "calibrate.load: {file: truth.npz}",
            "calibrate.load: {file: energies.csv}", "calibrate.save: {file: ../x.npz}", "ingest.candidates: {files: '*'}",
            "correct.flux", "correct.drift", "correct.despike", "derive.clusters", "derive.e0", "derive.white_line",
            "normalize.mback: {element: Xx}", "normalize.area", "normalize.ratio", "correct.background: {e0: 0}",
        )
    ),
    GOOD + "  - calibrate.constant\n  - calibrate.save: {file: ../outside.npz}\n",
    GOOD + "  - train.mixtures\n  - train.fit\n  - classify.model\n  - report.page: {name: ../outside.html}\n",
]  # fmt: skip
PIECES = st.sampled_from(
    ["\n", " ", "\t", "  - ", ": ", "{", "}", "[", "]", "'", '"', "#", "&a ", "*a", "!!str ", "|", ">", "..", "/", "*", "\0",
     "é", "nan", "null", "true", "-1", "0", "1e308", "-", ",", "e0", ".", "%", "@"]
)  # fmt: skip
CUTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 25), PIECES | st.text(max_size=6)), min_size=1, max_size=4
)
BYTES = st.lists(
    st.tuples(st.integers(0, 10**6) | st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=4
)


def mutated(text: str, cuts: list[tuple[int, int, str]]) -> bytes:
    for at, length, piece in cuts:
        at %= len(text) + 1
        text = text[:at] + piece + text[at + length :]
    return text.encode("utf-8", "surrogatepass")


class Place:
    """Where the trials happen: a measurement, and a look at everything that is not the run folder."""

    def __init__(self, folder: Path, call: Callable[..., Result]) -> None:
        self.folder, self.call, self.count = folder, call, 0
        self.scan = write_phantom(Phantom(size=(8, 10), energies=30, seed=1), folder / "inside" / "scan")
        self.recipe = folder / "inside" / "recipe.yaml"
        self.recipe.write_text(GOOD)
        self.out = folder / "inside" / "run"

    def others(self) -> dict[Path, tuple[int, int]]:
        paths = [path for path in self.folder.rglob("*") if not path.is_relative_to(self.out)]
        # The time of a folder changes with the run folder in it.
        return {
            path: (s.st_mtime_ns * path.is_file(), s.st_size * path.is_file())
            for path in paths
            for s in [path.stat()]
        }

    def run(self, command: str = "run") -> Result:
        return self.tried(
            command, self.recipe, "--data", self.scan, *(("--out", self.out) if command == "run" else ())
        )

    def tried(self, *words: str | Path) -> Result:
        """One trial."""
        before = self.others()
        with in_time(), warnings.catch_warnings():
            # What a run says of odd numbers is for its log; here errors count.
            warnings.simplefilter("ignore")
            result = self.call(*words)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code in (0, 1, 2)
        assert "Traceback" not in result.output
        assert result.exit_code == 0 or "xafsflow: " in result.stderr
        assert self.others() == before
        shutil.rmtree(self.out, ignore_errors=True)
        self.count += 1
        return result


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    def late(*_: object) -> None:
        raise AssertionError(f"not done within {LIMIT_SECONDS} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


@pytest.fixture
def place(tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path, call)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert found.run().exit_code == 0
    found.count = 0
    return found


def repeated(times: int, *strategies: Any) -> Callable[[Any], None]:
    """Run a trial on so many examples, the same in every session."""

    def over(trial: Any) -> None:
        quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
        chosen = settings(
            max_examples=times, deadline=None, derandomize=True, database=None, suppress_health_check=quiet
        )
        chosen(given(*strategies)(trial))()

    return over


def test_malformed_recipes(place: Place, survived: Any) -> None:
    for text in BY_HAND:
        place.recipe.write_bytes(text.encode("utf-8", "surrogatepass"))
        place.run()
    assert place.count == len(BY_HAND) > 80

    @repeated(60, CUTS)
    def trial(cuts: list[tuple[int, int, str]]) -> None:
        place.recipe.write_bytes(mutated(GOOD, cuts))
        place.run()

    survived("malformed recipes", place.count, place.count)


def test_malformed_images(place: Place, survived: Any) -> None:
    chosen = [sorted((place.scan / kind).iterdir())[0] for kind in ("sample", "flat", "dark")]
    whole = {path: path.read_bytes() for path in chosen}

    @repeated(50, st.sampled_from(chosen), BYTES, st.none() | st.integers(0, 400))
    def trial(path: Path, changes: list[tuple[int, int]], length: int | None) -> None:
        content = bytearray(whole[path])
        for at, value in changes:
            content[at % len(content)] = value
        path.write_bytes(content[:length])
        place.run()
        path.write_bytes(whole[path])

    survived("malformed TIFFs", place.count, place.count)


@pytest.mark.parametrize(("name", "times"), [("references/FeO.xdi", 40), ("energies.csv", 30)])
def test_malformed_texts(place: Place, name: str, times: int, survived: Any) -> None:
    path = place.scan / name
    text = path.read_text()

    @repeated(times, CUTS, st.booleans())
    def trial(cuts: list[tuple[int, int, str]], at_its_head: bool) -> None:
        path.write_bytes(
            mutated(text, [(at % 400 if at_its_head else at, n, piece) for at, n, piece in cuts])
        )
        place.run()

    survived(f"malformed {path.suffix[1:].upper()}", place.count, place.count)


def test_malformed_catalogs(place: Place, survived: Any) -> None:
    path, out = place.scan.parent / "catalog.csv", place.out
    text = "name,data,references,train.fit.trees\nA,scan,scan,10\nB,scan,,20\n"

    @repeated(50, CUTS)
    def trial(cuts: list[tuple[int, int, str]]) -> None:
        path.write_bytes(mutated(text, cuts))
        # A catalog that is well is followed by a recipe that is not there, so that nothing runs.
        result = place.tried("batch", path, place.scan.parent / "none.yaml", "--out", out)
        assert result.exit_code == 2

    survived("malformed catalogs", place.count, place.count)
