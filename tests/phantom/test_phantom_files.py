"""A phantom as files."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from xafsflow.errors import InputError
from xafsflow.phantom import Defects, Phantom, Reference, counts, dark, spectrum, truth, write_phantom

PHANTOM = Phantom(size=(21, 34), energies=13, dead_share=0.01)
SCAN = Path(__file__).parents[3] / "shared" / "data" / "scan_fe"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_phantom(PHANTOM, tmp_path_factory.mktemp("files") / "deep" / "phantom")


def files_of(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_write_phantom__lays_files_out_as_a_scan(folder):
    assert {path.name for path in folder.iterdir()} == {
        *("sample", "flat", "foil", "dark", "references", "energies.csv", "truth.npz")
    }
    energy = PHANTOM.energy
    for kind in ("sample", "flat", "foil"):
        names = sorted(path.name for path in (folder / kind).iterdir())
        assert names == [f"{kind}_{i:04d}_{e:08.2f}_eV.tif" for i, e in enumerate(energy)]
    assert sorted(path.name for path in (folder / "dark").iterdir()) == [f"dark_{i}.tif" for i in range(5)]
    lines = (folder / "energies.csv").read_text().split()
    assert lines[0] == "energy_eV"
    np.testing.assert_array_equal([float(line) for line in lines[1:]], energy)


@pytest.mark.skipif(not SCAN.exists(), reason="the shared scan is not here")
def test_write_phantom__is_laid_out_as_the_shared_scan(tmp_path):
    root = write_phantom(Phantom(size=(8, 10)), tmp_path / "phantom")
    there = {path.relative_to(SCAN) for path in SCAN.rglob("*")}
    here = {path.relative_to(root) for path in root.rglob("*") if "references" not in path.parts}
    assert here == there
    assert (root / "energies.csv").read_text() == (SCAN / "energies.csv").read_text()
    with np.load(SCAN / "truth.npz") as theirs, np.load(root / "truth.npz") as ours:
        for name in theirs.files:
            assert ours[name].ndim == theirs[name].ndim
            assert ours[name].dtype.kind == theirs[name].dtype.kind


@pytest.mark.skipif(not SCAN.exists(), reason="the shared scan is not here")
def test_phantom__has_the_statistics_of_the_shared_scan():
    phantom = Phantom()
    with np.load(SCAN / "truth.npz") as file:
        there = {name: file[name] for name in ("shift", "thickness", "background", "dead")}
    here = truth(phantom)
    assert abs(here["shift"] - there["shift"]).max() < 0.06
    assert here["background"].mean() == pytest.approx(there["background"].mean(), abs=0.02)
    assert here["thickness"][~here["background"]].mean() == pytest.approx(
        there["thickness"][~there["background"]].mean(), abs=0.1
    )
    for kind in ("sample", "flat", "foil"):
        for index in (0, 209):
            theirs = tifffile.imread(sorted((SCAN / kind).glob("*.tif"))[index])[~there["dead"]].astype(float)
            ours = counts(phantom, kind, index)[~here["dead"]].astype(float)
            # The scan's spectra are flat after the edge, the phantom's absorbance falls off.
            assert ours.mean() == pytest.approx(
                theirs.mean(), rel=0.1 if index == 0 or kind == "flat" else 0.2
            )
            assert ours.std() == pytest.approx(theirs.std(), rel=0.2)


@pytest.mark.parametrize("kind", ["sample", "flat", "foil", "dark"])
def test_write_phantom__images_hold_the_counts(folder, kind):
    for index, path in enumerate(sorted((folder / kind).iterdir())):
        with tifffile.TiffFile(path) as file:
            assert len(file.pages) == 1
            assert file.pages[0].compression == tifffile.COMPRESSION.NONE
            assert not file.pages[0].is_tiled
            values = file.asarray()
        expected = dark(PHANTOM, index) if kind == "dark" else counts(PHANTOM, kind, index)
        assert values.dtype == np.uint16
        np.testing.assert_array_equal(values, expected)


def test_write_phantom__multipage_holds_the_same_counts_in_one_file_a_kind(folder, tmp_path):
    root = write_phantom(PHANTOM, tmp_path, multipage=True)
    for kind in ("sample", "flat", "foil", "dark"):
        (path,) = (root / kind).iterdir()
        assert path.name == f"{kind}.tif"
        with tifffile.TiffFile(path) as file:
            assert file.is_bigtiff
            pages = [page.asarray() for page in file.pages]
        single = [tifffile.imread(image) for image in sorted((folder / kind).iterdir())]
        np.testing.assert_array_equal(pages, single)


@pytest.mark.parametrize("multipage", [False, True])
def test_write_phantom__does_not_depend_on_threads(tmp_path, multipage):
    roots = [
        write_phantom(PHANTOM, tmp_path / str(n), threads=n, multipage=multipage, progress=None)
        for n in (1, 3)
    ]
    one, other = (files_of(root) for root in roots)
    assert one.keys() == other.keys()
    # A zip archive holds the time at which it was written.
    assert [name for name in one if one[name] != other[name] and name != "truth.npz"] == []


def test_write_phantom__truth_is_that_of_the_phantom(folder):
    with np.load(folder / "truth.npz") as file:
        for name, values in truth(PHANTOM).items():
            np.testing.assert_array_equal(file[name], values)
        names = {"Phantom": Phantom, "Defects": Defects}
        assert eval(str(file["settings"]), names) == PHANTOM


def test_write_phantom__references_are_raw_spectra_that_cover_the_scan(folder):
    assert sorted(path.name for path in (folder / "references").iterdir()) == [
        "Fe.xdi",
        "Fe2O3.xdi",
        "FeO.xdi",
    ]
    lines = (folder / "references" / "FeO.xdi").read_text().splitlines()
    assert lines[0] == "# XDI/1.0"
    for line in ("Column.1: energy eV", "Column.2: mutrans", "Element.symbol: Fe", "Element.edge: K"):
        assert f"# {line}" in lines
    energy, mu = np.loadtxt(folder / "references" / "FeO.xdi", unpack=True)
    assert energy[[0, -1]].tolist() == [6950.0, 7500.0]
    bare = mu * (energy / 7112) ** 3
    np.testing.assert_allclose(bare, 0.4 + 1.3 * spectrum("FeO", energy), atol=1e-6)


def test_write_phantom__without_foil_and_with_spectra_of_the_caller(tmp_path):
    energy = np.arange(7000.0, 7401.0)
    mine = Reference("mine", energy, 0.5 + np.arctan(energy - 7120) / np.pi)
    alone = write_phantom(
        Phantom(size=(9, 8), energies=5, references=(mine, "Fe"), foil=None), tmp_path / "a"
    )
    assert not (alone / "foil").exists()
    assert np.loadtxt(alone / "references" / "mine.xdi")[:, 0].tolist() == energy.tolist()
    other = write_phantom(Phantom(size=(9, 8), energies=5, references=(mine,)), tmp_path / "b")
    # The foil's spectrum is needed for the calibration.
    assert sorted(path.name for path in (other / "references").iterdir()) == ["Fe.xdi", "mine.xdi"]


def test_write_phantom__tells_its_progress(tmp_path):
    told = []
    write_phantom(PHANTOM, tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(i + 1, 44) for i in range(44)]


def test_write_phantom__refuses_a_folder_that_holds_something(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        write_phantom(PHANTOM, tmp_path)
    with pytest.raises(InputError, match="is a file"):
        write_phantom(PHANTOM, tmp_path / "notes.txt")
    assert files_of(tmp_path) == {"notes.txt": b"mine"}


def test_write_phantom__refuses_more_than_the_disk_has_room_for(tmp_path):
    with pytest.raises(InputError, match="GB free"):
        write_phantom(Phantom(size=(10**6, 10**6)), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_write_phantom__has_no_truth_when_it_was_interrupted(tmp_path):
    def stop(done, total):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(PHANTOM, tmp_path / "phantom", progress=stop)
    written = files_of(tmp_path / "phantom")
    assert "energies.csv" in written
    assert not any("truth" in name for name in written)
    with pytest.raises(InputError, match="is not empty"):
        write_phantom(PHANTOM, tmp_path / "phantom")
