"""The command line as a user meets it: what it prints, where, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import xarray as xr
from click.testing import CliRunner, Result

from xafsflow.cli.main import main
from xafsflow.locks import locked_folder
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline.plan import table
from xafsflow.vocabulary import VARIABLES

RECIPE = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, foil: foil/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references/Fe.xdi, FeO: references/FeO.xdi, Fe2O3: references/Fe2O3.xdi}}
  - correct.absorbance
  - correct.dead_pixels
  - correct.background: {e0: 7112.0}
  - correct.average
  - normalize.edge_step: {e0: 7112.0, pre2: -12.0, norm1: 40.0, nnorm: 1}
  - train.mixtures: {step: 0.25, noise_patterns: 30, span: [-15, 60]}
  - train.fit: {trees: 20}
  - classify.model
  - judge.distance
  - judge.means
  - report.page
"""


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantom(
        Phantom(size=(32, 40), energies=70, seed=5, tilt=0.4), tmp_path_factory.mktemp("scan") / "scan"
    )


@pytest.fixture
def own_scan(scan: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scan, tmp_path / "scan"))


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def finished(scan: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    result = call("run", recipe, "--data", scan, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out / "report.html")
    return out


@pytest.mark.long
def test_run__writes_the_folder_that_the_readme_names(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {"maps.zarr", "models", "findings.json", "report.html", "recipe.yaml", "run.json"}
    record = json.loads((finished / "run.json").read_text())
    assert record["state"] == "finished"
    assert record["timings"].keys() >= {"ingest.tiff_stack", "train.fit", "maps", "report.page"}
    assert {"path", "bytes", "sha256"} <= record["inputs"][0].keys()


def test_maps__open_with_the_vocabulary_and_units(finished: Path) -> None:
    maps = xr.open_zarr(finished / "maps.zarr", chunks={})
    for name in (
        "e0",
        "edge_step",
        "flags",
        "class_index",
        "class_vote",
        "fraction",
        "distance",
        "mean_norm",
    ):
        assert maps[name].attrs["units"] == VARIABLES[name].unit
        assert maps[name].dims == VARIABLES[name].dims_on("energy")
    assert set(maps.data_vars) <= set(VARIABLES)


def test_maps__name_the_true_dominant_reference(finished: Path, scan: Path) -> None:
    maps = xr.open_zarr(finished / "maps.zarr", chunks={})
    truth = np.load(scan / "truth.npz")
    known = ~truth["background"] & ~truth["dead"] & np.isfinite(maps.class_vote.values)
    leader = maps.fraction.values.argmax(axis=0)
    assert known.sum() > 0.95 * (~truth["background"] & ~truth["dead"]).sum()
    assert (leader == truth["fractions"].argmax(axis=0))[known].mean() > 0.9


def test_run__again_in_the_same_folder_is_refused_and_changes_nothing(
    finished: Path, scan: Path, recipe: Path
) -> None:
    before = (finished / "run.json").read_bytes()
    result = call("run", recipe, "--data", scan, "--out", finished)
    assert result.exit_code == 2
    assert "finished" in result.stderr
    assert (finished / "run.json").read_bytes() == before


def test_run__fresh_ends_with_the_same_maps(scan: Path, recipe: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    assert call("run", recipe, "--data", scan, "--out", out, "--fresh").exit_code == 0
    one, two = (xr.open_zarr(path / "maps.zarr", chunks=None) for path in (finished, out))
    xr.testing.assert_equal(one, two)


def test_run__does_not_touch_a_folder_that_holds_something_else(
    scan: Path, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for flags in ([], ["--fresh"]):
        result = call("run", recipe, "--data", scan, "--out", tmp_path, *flags)
        assert result.exit_code == 2
        assert "thesis.tex" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_run__ends_with_75_where_another_process_works(scan: Path, recipe: Path, tmp_path: Path) -> None:
    with locked_folder(tmp_path / "run"):
        result = call("run", recipe, "--data", scan, "--out", tmp_path / "run")
    assert result.exit_code == 75
    assert f"process {os.getpid()}" in result.stderr


@pytest.mark.long
def test_check__knows_the_time_from_the_last_run(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.partition("  - train")[0])
    assert "takes an unknown time" in call("check", path, "--data", scan).stdout
    assert call("run", path, "--data", scan, "--out", tmp_path / "run").exit_code == 0
    assert "1 times the size" in call("check", path, "--data", scan).stdout


def test_run__of_another_recipe_is_refused(finished: Path, scan: Path, recipe: Path) -> None:
    result = call("run", recipe, "--data", scan, "--out", finished, "--set", "train.fit.trees=21")
    assert result.exit_code == 2
    assert "another recipe" in result.stderr


def test_run__goes_on_after_it_was_killed_while_it_wrote(
    finished: Path, scan: Path, recipe: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(finished, tmp_path / "run"))
    record = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps(record | {"state": "unfinished"}))
    (out / ".run.json.123").write_text("{")
    (out / "maps.zarr").rename(out / "maps.zarr.partial")
    assert call("run", recipe, "--data", scan, "--out", out).exit_code == 0
    one, two = (xr.open_zarr(path / "maps.zarr", chunks=None) for path in (finished, out))
    xr.testing.assert_equal(one, two)


@pytest.mark.long
def test_store__keeps_counts_and_changes_no_map(
    finished: Path, scan: Path, recipe: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        RECIPE.replace("  - correct.absorbance\n", "  - ingest.store: {tile: 16}\n  - correct.absorbance\n")
    )
    assert call("run", path, "--data", scan, "--out", tmp_path / "run").exit_code == 0
    cube = xr.open_zarr(tmp_path / "run" / "cube.zarr", chunks={})
    assert cube.sample.dtype == np.uint16
    assert cube.sample.encoding["chunks"] == (70, 16, 16)
    one, two = (xr.open_zarr(path / "maps.zarr", chunks=None) for path in (finished, tmp_path / "run"))
    np.testing.assert_allclose(one.fraction, two.fraction, atol=0.02)


def test_check__shows_size_and_cost_without_reading_a_pixel(scan: Path, recipe: Path) -> None:
    result = call("check", recipe, "--data", scan)
    assert result.exit_code == 0, result.output
    assert "70 energies from 7050 to 7302.5 eV (energies.csv), 32 x 40 pixels" in result.stdout


def test_steps__lists_every_step() -> None:
    assert [line.split()[0] for line in call("steps").stdout.splitlines()] == list(table())


@pytest.mark.parametrize("name", list(table()))
def test_show__prints_settings_and_docs(name: str) -> None:
    result = call("show", name)
    assert result.exit_code == 0
    assert all(f"  {setting}: " in result.stdout for setting in table()[name].settings)


def test_show__offers_the_nearest_name() -> None:
    result = call("show", "correct.averag")
    assert result.exit_code == 2
    assert "did you mean 'correct.average'" in result.stderr


@pytest.mark.parametrize(("kind", "name"), [("csv", "summary.csv"), ("tiff", "fraction_FeO.tif")])
def test_export__writes_files(finished: Path, tmp_path: Path, kind: str, name: str) -> None:
    result = call("export", finished, "--to", kind, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / name).is_file()


def test_report__is_written_again(finished: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(finished, tmp_path / "run"))
    (copy / "report.html").unlink()
    assert call("report", copy).exit_code == 0
    assert (copy / "report.html").is_file()


def _truncate(scan: Path) -> None:
    path = sorted((scan / "sample").iterdir())[3]
    path.write_bytes(path.read_bytes()[:-500])


def _other_shape(scan: Path) -> None:
    tifffile.imwrite(sorted((scan / "sample").iterdir())[3], np.zeros((8, 8), np.uint16))


def _color(scan: Path) -> None:
    tifffile.imwrite(
        sorted((scan / "sample").iterdir())[3], np.zeros((32, 40, 3), np.uint8), photometric="rgb"
    )


def _missing_image(scan: Path) -> None:
    sorted((scan / "sample").iterdir())[3].unlink()


def _no_flats(scan: Path) -> None:
    shutil.rmtree(scan / "flat")


def _energy_twice(scan: Path) -> None:
    lines = (scan / "energies.csv").read_text().splitlines()
    (scan / "energies.csv").write_text("\n".join([*lines[:-1], lines[-2]]))


def _energy_no_number(scan: Path) -> None:
    lines = (scan / "energies.csv").read_text().splitlines()
    (scan / "energies.csv").write_text("\n".join([*lines[:-1], "seven"]))


def _short_reference(scan: Path) -> None:
    path = scan / "references" / "FeO.xdi"
    lines = path.read_text().splitlines()
    kept = [line for line in lines if line.startswith("#") or float(line.split()[0]) > 7120]
    path.write_text("\n".join(kept))


def _other_element(scan: Path) -> None:
    path = scan / "references" / "FeO.xdi"
    path.write_text(path.read_text().replace("Element.symbol: Fe", "Element.symbol: Cu"))


BAD_SCANS = {
    _truncate: ("sample_0003", "truncated"),
    _other_shape: ("sample_0003", "32 x 40"),
    _color: ("sample_0003",),
    _missing_image: ("70", "69"),
    _no_flats: ("flat/*.tif",),
    _energy_twice: ("energies.csv",),
    _energy_no_number: ("energies.csv", "seven"),
    _short_reference: ("FeO",),
    _other_element: ("Cu",),
}


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("damage", BAD_SCANS, ids=lambda function: function.__name__.strip("_"))
def test_bad_scan__is_one_message_and_status_2(
    damage: object, command: str, own_scan: Path, recipe: Path, tmp_path: Path
) -> None:
    damage(own_scan)  # type: ignore[operator]
    more = ["--out", tmp_path / "out"] if command == "run" else []
    result = call(command, recipe, "--data", own_scan, *more)
    assert result.exit_code == 2, result.output
    for word in BAD_SCANS[damage]:  # type: ignore[index]
        assert word in result.stderr
    assert "Traceback" not in result.output
    messages = [line for line in result.stderr.splitlines() if line.startswith("xafsflow: ")]
    assert len(messages) == 1
    assert "Expected " in messages[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("correct.average", "correct.averag", ("recipe.yaml:8:5", "correct.average")),
        ("trees: 20", "tres: 20", ("recipe.yaml:11:17", "trees")),
        ("trees: 20", "trees: many", ("a whole number", "many")),
        ("  - correct.absorbance\n", "", ("correct.absorbance",)),
        ("references/Fe.xdi", "../Fe.xdi", ("leaves",)),
        ("e0: 7112.0, pre2", "e0: 9000.0, pre2", ("9000",)),
    ],
)
def test_bad_recipe__is_named_with_its_place(
    old: str, new: str, words: tuple[str, ...], scan: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    assert old in RECIPE
    path.write_text(RECIPE.replace(old, new))
    result = call("run", path, "--data", scan, "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in result.stderr


@pytest.mark.long
def test_interrupt__ends_with_130_and_the_run_goes_on(
    scan: Path, recipe: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xafsflow.pipeline.execution as flow

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(flow, "_make_maps", interrupt)
        assert call("run", recipe, "--data", scan, "--out", tmp_path / "run").exit_code == 130
    assert call("run", recipe, "--data", scan, "--out", tmp_path / "run").exit_code == 0
    one, two = (xr.open_zarr(path / "maps.zarr", chunks=None) for path in (finished, tmp_path / "run"))
    xr.testing.assert_equal(one, two)


# Another library and xafsflow itself warn in the midst of a step.
WARNING = """
import warnings

from xafsflow.cli.main import start
from xafsflow.errors import XafsflowWarning
from xafsflow.pipeline.products import Products

advance = Products.advance


def warn(products, planned):
    if planned.step.name == "correct.absorbance":
        for _ in range(3):
            warnings.warn("a library that warns", UserWarning)
            warnings.warn("a step that warns", XafsflowWarning)
    advance(products, planned)


before = warnings.showwarning
Products.advance = warn
try:
    start()
finally:
    if warnings.showwarning is not before or any(one[2] is XafsflowWarning for one in warnings.filters):
        print("what was set for the run is left")
"""


@pytest.mark.long
def test_a_warning_of_another_library__is_shown_once_and_the_run_ends(
    scan: Path, recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(WARNING)
    words = ["run", str(recipe), "--data", str(scan), "--out", str(tmp_path / "run")]
    # Warnings as users have them: in tests they are errors.
    settings = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"}
    ended = subprocess.run(
        [sys.executable, str(tmp_path / "program.py"), *words],
        env=settings,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [str(tmp_path / "run" / "report.html")]
    assert ended.stderr.count("UserWarning: a library that warns") == 1
    assert ended.stderr.count("warning: a step that warns") == 1
    told = json.loads((tmp_path / "run" / "findings.json").read_text())["warnings"]
    assert "a step that warns" in told
    assert "a library that warns" not in told


def test_check__shows_warnings_as_they_stand(recipe: Path, scan: Path, tmp_path: Path) -> None:
    """A blank image is told in one line, not as a line of code."""
    folder = tmp_path / "scan"
    shutil.copytree(scan, folder)
    path = sorted((folder / "sample").iterdir())[10]
    tifffile.imwrite(path, np.zeros_like(tifffile.imread(path)))
    done = call("check", recipe, "--data", folder)
    assert done.exit_code == 0, done.output
    told = [line for line in done.stdout.splitlines() if "warning" in line]
    assert len(told) == 1
    assert told[0].startswith("  warning: ")
    assert "XafsflowWarning" not in done.output
