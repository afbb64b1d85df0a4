"""Patterns of many files on one grid, and cubes of patterns at another wavelength: the wavelength is never assumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.folders import Folders
from xafsflow.io.readers.patterns.patterns_on_grid import grid_of, on_grid
from xafsflow.provenance import history
from xafsflow.store import open_cube
from xafsflow.wavelengths import K_ALPHA, angles_at, angstrom

COPPER, MOLYBDENUM = angstrom("CuKa"), angstrom("MoKa")
SPACINGS = np.array([3.2, 2.5, 1.9])
WIDTH = 0.15


def angles_of(wavelength: float) -> np.ndarray:
    """Bragg: where the spacings scatter to."""
    return np.degrees(2 * np.arcsin(wavelength / (2 * SPACINGS)))


def peaks(angle: np.ndarray, wavelength: float) -> np.ndarray:
    near = ((angle - at) / WIDTH for at in angles_of(wavelength))
    return 1 + sum(100 * np.exp(-0.5 * one**2) for one in near)


def saved(
    folder: Path, name: str, wavelength: float, low: float = 5.0, high: float = 100.0, header: str = ""
) -> None:
    angle = np.arange(low, high, 0.02)
    rows = "\n".join(f"{a:.3f} {c:.5f}" for a, c in zip(angle, peaks(angle, wavelength), strict=True))
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + rows + "\n", encoding="utf-8")


def tops(found: xr.DataArray, wavelength: float) -> np.ndarray:
    """The angles of the highest points near where the peaks belong."""
    near = [found.where(abs(found.two_theta - at) < 2) for at in angles_of(wavelength)]
    return np.array([float(one.idxmax("two_theta")) for one in near])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("patterns")
    saved(path, "a/copper.xy", COPPER, header="# wavelength: CuKa\n")
    saved(path, "a/molybdenum.xy", MOLYBDENUM, header=f"# lambda = {MOLYBDENUM:.6f}\n")
    saved(path, "b/silent.xye", COPPER, low=30, high=60)
    lines = "copper,fluorite,AB2,1\nb/silent.xye,garnet,,\na/molybdenum.xy,fluorite,AB2,3\n"
    (path / "labels.csv").write_text(f"file,structure_type,ratio,year\n{lines}", encoding="utf-8")
    return path


def test_patterns__of_several_wavelengths_have_their_peaks_at_one_place(folder: Path) -> None:
    found = xf.ingest.patterns(folder, files=["*/*.xy"], at="CuKa1", span=(20, 60), step=0.02)
    assert found.mu.dims == ("sample", "two_theta")
    assert found.mu.dtype == np.float32
    assert float(found.wavelength) == 1.540593
    assert found.wavelength.attrs["units"] == "Angstrom"
    np.testing.assert_allclose(found.measured_wavelength, [COPPER, MOLYBDENUM], atol=1e-6)
    for sample in range(2):
        np.testing.assert_allclose(tops(found.mu[sample], 1.540593), angles_of(1.540593), atol=0.021)


def test_patterns__have_labels_as_texts_and_groups_and_gaps(folder: Path) -> None:
    (folder / "silent.csv").write_text("file,wavelength\nsilent,CuKa\n", encoding="utf-8")
    with pytest.warns(XafsflowWarning, match="lines for 1 files .* among those read: a/molybdenum.xy"):
        found = xf.ingest.patterns(
            Folders(folder),
            files=["a/copper.xy", "b/*", "a/cop*"],
            table="labels.csv",
            wavelength="CuKa",
            span=(20, 70),
        )
    assert found.file.values.tolist() == found.group.values.tolist() == ["a/copper.xy", "b/silent.xye"]
    assert found.attrs["grouped"]
    assert found.group.attrs["source"] == "file"
    for name, texts in {
        "structure_type": ["fluorite", "garnet"],
        "ratio": ["AB2", ""],
        "year": ["1", ""],
    }.items():
        assert found[name].values.tolist() == texts
        assert found[name].attrs["role"] == "label"
    measured = np.isfinite(found.mu[1]).values
    angle = found.two_theta.values
    np.testing.assert_array_equal(measured, (angle >= 30 - 1e-6) & (angle <= 59.98 + 1e-6))
    only = xf.ingest.patterns(folder, files=["b/*"], table="silent.csv")
    assert "wavelength" not in only.coords
    np.testing.assert_allclose(only.measured_wavelength, COPPER)


def test_a_silent_file__is_an_error_that_names_it_and_copper_is_not_assumed(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no wavelength in 1 of 3 files: silent\.xye"):
        xf.ingest.patterns(folder, files=["*/*.xy*"])


def test_a_wavelength_that_contradicts_the_file__is_an_error_that_shows_both(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"molybdenum\.xy, which tells 0\.710747 .* and 1\.54187 in the setting"
    ):
        xf.ingest.patterns(folder, files=["*/*.xy"], wavelength="CuKa")
    (folder / "wrong.csv").write_text("file,wavelength\ncopper,0.7\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"tells 1\.54187 .* and 0\.7 in its line in the table"):
        xf.ingest.patterns(folder, files=["a/copper.xy"], table="wrong.csv")
    # K alpha 1 and the mean are told for the same tube
    found = xf.ingest.patterns(folder, files=["a/copper.xy"], wavelength=1.5406)
    assert float(found.measured_wavelength[0]) == COPPER


@pytest.mark.parametrize("text", ["Cu", "CuKb", "wrong", 0, -1.0, 15.0, 1540.6, float("nan")])
def test_wavelengths__that_are_none_are_refused(folder: Path, text: object) -> None:
    with pytest.raises(InputError, match=r"Angstrom between 0\.05 and 10, or a line"):
        xf.ingest.patterns(folder, files=["b/*"], wavelength=text)


def test_lines__by_name() -> None:
    assert angstrom("CuKa") == pytest.approx(1.5418, abs=1e-4)
    for anode, (first, second) in K_ALPHA.items():
        assert angstrom(f"{anode}Ka1") == angstrom(f"{anode.lower()} K-alpha1") == first
        assert angstrom(f"{anode}Ka2") == second
        assert angstrom(f"{anode} Kα") == pytest.approx((2 * first + second) / 3)
    assert angstrom("0.4133") == 0.4133


def test_lines__are_those_of_xraydb_within_its_energies() -> None:
    xraydb = pytest.importorskip("xraydb")
    for anode, lines in K_ALPHA.items():
        known = xraydb.xray_lines(anode)
        for name, value in zip(("Ka1", "Ka2"), lines, strict=True):
            assert value == pytest.approx(12398.42 / known[name].energy, rel=4e-4)


def test_files_that_cannot_be_read__are_left_out_by_name(folder: Path, tmp_path: Path) -> None:
    saved(tmp_path, "good.xy", COPPER, low=20, high=40, header="# wavelength: 1.5418\n")
    saved(tmp_path, "far.xy", COPPER, low=95, high=99, header="# wavelength: 1.5418\n")
    (tmp_path / "notes.txt").write_text("measured on a Monday\n", encoding="utf-8")
    with pytest.warns(XafsflowWarning) as caught:
        found = xf.ingest.patterns(tmp_path, files=["*"])
    assert found.file.values.tolist() == ["good.xy"]
    texts = [str(one.message) for one in caught]
    assert any("left out" in one and "notes.txt" in one for one in texts)
    assert any("left out" in one and "far.xy" in one for one in texts)
    with pytest.raises(InputError, match=r"no file that can be read as a pattern.*notes\.txt"):
        xf.ingest.patterns(tmp_path, files=["notes.txt"])
    with pytest.raises(InputError, match="without an angle between 10 and 90"):
        xf.ingest.patterns(tmp_path, files=["far.xy"])


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("file,structure_type\ncopper,a\n", r"1 files without a line in .*: a/molybdenum\.xy"),
        ("name,structure_type\ncopper,a\n", "a column `file`"),
        ("file,mu\ncopper,a\nmolybdenum,b\n", "none of group, measured_wavelength, mu"),
        ("file,structure_type\ncopper,a\ncopper,b\nmolybdenum,b\n", "'copper' twice"),
    ],
)
def test_tables__that_do_not_fit(folder: Path, table: str, match: str) -> None:
    (folder / "odd.csv").write_text(table, encoding="utf-8")
    with pytest.raises(InputError, match=match):
        xf.ingest.patterns(folder, files=["a/*.xy"], table="odd.csv")


@pytest.mark.parametrize(
    "settings", [{"span": (50.0, 20.0)}, {"span": (10.0, 190.0)}, {"step": 30.0}, {"step": 1e-9}]
)
def test_grids__that_are_none(folder: Path, settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Change `span` or `step`"):
        xf.ingest.patterns(folder, files=["a/*.xy"], **settings)


@given(
    st.lists(st.floats(1.0, 170.0), min_size=1, max_size=5),
    st.floats(0.1, 3.0),
    st.floats(0.1, 3.0),
)
def test_angles__keep_the_spacing(angles: list[float], one: float, other: float) -> None:
    found = angles_at(angles, one, other)
    there = np.isfinite(found)
    spacing = one / (2 * np.sin(np.radians(np.array(angles)) / 2))
    np.testing.assert_array_equal(there, other / (2 * spacing) <= 1)
    np.testing.assert_allclose(other / (2 * np.sin(np.radians(found[there]) / 2)), spacing[there], rtol=1e-6)


@given(st.floats(0.001, 0.009), st.integers(0, 2**32 - 1))
def test_finer_patterns__keep_their_area(step: float, seed: int) -> None:
    angle = np.arange(20.0, 22.0, step)
    counts = np.random.default_rng(seed).poisson(50, len(angle)).astype(float)
    grid = grid_of(19.9, 22.1, 0.02)
    found = on_grid(angle, counts, 1.5, grid, 1.5)
    whole = np.isfinite(found) & (grid > angle[0] + 0.01) & (grid < angle[-1] - 0.01)
    low, high = grid[whole][0] - 0.01, grid[whole][-1] + 0.01
    inner = np.concatenate([[low], angle[(angle > low) & (angle < high)], [high]])
    area = np.trapezoid(np.interp(inner, angle, counts), inner)
    assert found[whole].sum() * 0.02 == pytest.approx(area, rel=1e-9)


def test_bins__average_the_noise_of_fine_steps() -> None:
    angle = np.arange(20.0, 40.0, 0.001)
    counts = np.random.default_rng(1).normal(100, 10, len(angle))
    found = on_grid(angle, counts, 1.5, grid_of(21, 39, 0.02), 1.5)
    assert found.std() == pytest.approx(10 / np.sqrt(20), rel=0.1)


def cube_of(wavelength: float, *, told: bool = True) -> xr.Dataset:
    angle = np.arange(15.0, 80.0, 0.02)
    mu = np.ones((1, 4, 5)) * peaks(angle, wavelength)[:, None, None]
    data = {
        "mu": (("two_theta", "y", "x"), mu.astype("f4")),
        "mu_noise": (("two_theta", "y", "x"), np.full(mu.shape, 0.1, "f4")),
        "flags": (("y", "x"), np.zeros((4, 5), "u1")),
    }
    cube = xr.Dataset(data, {"two_theta": angle})
    return xf.ingest.as_measured(cube.assign(wavelength=wavelength) if told else cube)


@pytest.mark.parametrize("wavelength", ["CoKa1", 1.2, COPPER])
def test_resample__brings_peaks_to_the_angles_of_another_wavelength(wavelength: float | str) -> None:
    found = xf.derive.resample(cube_of(COPPER), spacing=0.02, span=(20.0, 60.0), wavelength=wavelength)
    wanted = angstrom(wavelength)
    np.testing.assert_allclose(tops(found.mu[:, 0, 0], wanted), angles_of(wanted), atol=0.021)
    assert float(found.wavelength) == wanted
    assert found.wavelength.attrs["units"] == "Angstrom"
    assert found.mu_noise.dims == found.mu.dims == ("two_theta", "y", "x")
    last = history(found)[-1]
    assert last["step"] == "derive.resample"
    assert last["settings"]["wavelength"] == wavelength
    assert history(found.wavelength)[-1] == last


def test_resample__there_and_back_is_the_same() -> None:
    cube = cube_of(COPPER)
    there = xf.derive.resample(cube, spacing=0.002, wavelength="MoKa")
    back = xf.derive.resample(there, spacing=0.02, span=(20.0, 75.0), wavelength=COPPER)
    again = xf.derive.resample(cube, spacing=0.02, span=(20.0, 75.0))
    assert float(back.wavelength) == float(again.wavelength) == COPPER
    # A line between points is off by h^2/8 of the curvature of the peaks at most, 0.22
    np.testing.assert_allclose(back.mu, again.mu, atol=0.3)


def test_resample__leaves_out_spacings_that_do_not_scatter() -> None:
    found = xf.derive.resample(cube_of(1.0), spacing=0.05, wavelength=2.0)
    assert 150 < float(found.two_theta[-1]) <= 180
    assert np.isfinite(found.mu).all()
    with pytest.raises(InputError, match="3 or more between"):
        xf.derive.resample(cube_of(1.0), spacing=0.05, span=(10.0, 60.0), wavelength=2.0)


def test_resample__refuses_a_wavelength_where_it_means_nothing() -> None:
    with pytest.raises(InputError, match=r"without its `wavelength`.*cube\.assign\(wavelength="):
        xf.derive.resample(cube_of(COPPER, told=False), spacing=0.02, wavelength="MoKa")
    energies = xr.Dataset(
        {"mu": (("energy", "y", "x"), np.ones((5, 2, 2), "f4"))}, {"energy": np.arange(7100.0, 7105.0)}
    )
    with pytest.raises(InputError, match=r"a cube over energy\. Expected a cube over two_theta"):
        xf.derive.resample(xf.ingest.as_measured(energies), spacing=1.0, wavelength="MoKa")


def test_a_stored_cube__keeps_its_wavelength(tmp_path: Path) -> None:
    stored = xf.ingest.store(cube_of(COPPER).chunk(y=2), tmp_path, tile=8)
    again = open_cube(tmp_path / "cube.zarr")
    for cube in (stored, again):
        assert float(cube.wavelength) == COPPER
        assert cube.wavelength.attrs["units"] == "Angstrom"
        found = xf.derive.resample(cube, spacing=0.02, span=(10.0, 30.0), wavelength="MoKa")
        np.testing.assert_allclose(
            tops(found.mu[:, 1, 1].compute(), MOLYBDENUM), angles_of(MOLYBDENUM), atol=0.021
        )


def test_steps__keep_the_wavelength() -> None:
    cube = cube_of(COPPER)
    for found in (
        xf.correct.crop(cube, two_theta=(20.0, 70.0)),
        xf.correct.average(cube),
        xf.correct.despike(cube),
        xf.normalize.none(cube),
    ):
        assert float(found.wavelength) == COPPER


def test_measured_files__come_onto_one_grid(shared: Path) -> None:
    base = shared / "formats" / "diffraction"
    found = xf.ingest.patterns(base, files=["reactions/*", "patterns/*"], wavelength="CuKa", span=(20, 80))
    assert found.sizes == {"sample": 15, "two_theta": 3001}
    np.testing.assert_allclose(found.measured_wavelength, COPPER, rtol=1e-3)
    narrow = found.mu[[str(one).endswith(".brml") for one in found.file.values]]
    assert len(narrow) == 1
    assert 195 < int(np.isfinite(narrow).sum()) < 205
