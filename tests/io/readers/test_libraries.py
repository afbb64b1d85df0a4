"""Libraries of spectra from arrays, tables, folders and Zarr; what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.phantom import simulated_library, write_library

ENERGY = np.arange(7100.0, 7130.0)
RNG = np.random.default_rng(0)
MU = (np.tanh((ENERGY - 7112) / 3) + 0.1 * RNG.random((6, 30))).astype(np.float32)
SITE = np.array(["a", "b", "a", "b", "c", "c"])
BOND = np.linspace(1.9, 2.4, 6)
GROUP = np.array(["m1", "m1", "m2", "m2", "m3", "m3"])


def save(folder: Path, name: str = "library.npz", **arrays: Any) -> None:
    kept = {"mu": MU, "energy": ENERGY, "site": SITE, "bond": BOND, "group": GROUP} | arrays
    np.savez(folder / name, **{key: value for key, value in kept.items() if value is not None})


def test_spectra__of_arrays_tables_folders_and_zarr_are_the_same(tmp_path: Path) -> None:
    save(tmp_path)
    known = [f"{s},{b!r},{g}" for s, b, g in zip(SITE.tolist(), BOND.tolist(), GROUP.tolist(), strict=True)]
    # Energies in the table fall
    rows = [",".join([one, *map(repr, mu[::-1].tolist())]) for one, mu in zip(known, MU, strict=True)]
    names = ",".join(["site", "bond", "group", *map(str, ENERGY[::-1])])
    (tmp_path / "library.csv").write_text("\n".join([names, *rows]))
    for k, mu in enumerate(MU):
        lines = [f"{e} {float(m)!r}" for e, m in zip(ENERGY, mu, strict=True)]
        (tmp_path / f"site{k}.dat").write_text("\n".join(["# energy mu", *lines]))
    # Lines of the table of labels in another order than the files
    lines = [f"site{k}.dat,{known[k]}" for k in (3, 1, 5, 0, 2, 4)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,site,bond,group", *lines]))
    whole = xf.ingest.spectra(tmp_path, files=["library.npz"])
    write_library(whole, tmp_path / "library.zarr", block=4)
    found = {
        "csv": xf.ingest.spectra(tmp_path, files=["library.csv"]),
        "folder": xf.ingest.spectra(tmp_path, files=["site*.dat"], table="labels.csv"),
        "zarr": xf.ingest.spectra(tmp_path, files=["library.zarr"]),
    }
    assert whole.mu.dtype == np.float32
    assert (whole.site.attrs["role"], whole.bond.attrs["role"]) == ("label", "property")
    for one in found.values():
        xr.testing.assert_equal(one, whole)
        assert one.attrs == {"align": "none", "grouped": True}
        assert [one[n].attrs["role"] for n in ("site", "bond")] == ["label", "property"]
    assert found["zarr"].mu.chunks is not None


def test_spectra__of_zarr_are_read_in_blocks_when_they_are_needed(tmp_path: Path) -> None:
    library = simulated_library(64, seed=2)
    write_library(library, tmp_path / "library.zarr", block=16)
    for settings in ({}, {"align": "edge", "search": 30.0}):
        lazy = xf.ingest.spectra(tmp_path, files=["library.zarr"], **settings)
        assert all(lazy[name].chunks is not None for name in ("mu", "z", "position"))
        whole = write_and_read(tmp_path, library, **settings)
        xr.testing.assert_allclose(lazy.compute(), whole, rtol=1e-6)


def write_and_read(folder: Path, library: xr.Dataset, **settings: Any) -> xr.Dataset:
    if not (folder / "same.npz").exists():
        write_library(library, folder / "same.npz")
    return xf.ingest.spectra(folder, files=["same.npz"], **settings)


def test_zarr_blocks__hold_whole_stored_chunks(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("xafsflow.io.readers.libraries.library_zarr.BLOCK_BYTES", 40 * 120 * 4)
    write_library(simulated_library(100, seed=2), tmp_path / "library.zarr", block=16)
    assert xf.ingest.spectra(tmp_path, files=["library.zarr"]).mu.chunks == ((32, 32, 32, 4), (120,))


def test_files__are_joined_with_clusters_padded(tmp_path: Path) -> None:
    first = {"z": np.full((6, 2), 26), "pos": np.ones((6, 2, 3)), "natoms": np.full(6, 2)}
    offset = np.r_[0, 3 * np.arange(1, 6), 19]
    ragged = {"z": np.full(19, 8), "pos": np.arange(57.0).reshape(19, 3), "offset": offset}
    save(tmp_path, "a.npz", **first)
    save(tmp_path, "b.npz", **ragged)
    found = xf.ingest.spectra(tmp_path, files=["a.npz", "b.npz"])
    assert dict(found.sizes) == {"sample": 12, "energy": 30, "atom": 4, "xyz": 3}
    assert found.natoms.values.tolist() == 6 * [2] + [3, 3, 3, 3, 3, 4]
    assert (found.z.values[:6] == [26, 26, 0, 0]).all()
    assert (found.z.values[6:11] == [8, 8, 8, 0]).all()
    np.testing.assert_array_equal(found.position.values[7, :3], ragged["pos"][3:6])
    assert not found.position.values[:11, 3].any()


def test_labels_and_properties__are_those_that_are_named(tmp_path: Path) -> None:
    save(tmp_path, valence=np.arange(6))
    auto = xf.ingest.spectra(tmp_path, files=["library.npz"])
    assert auto.valence.attrs["role"] == "label"
    named = xf.ingest.spectra(
        tmp_path,
        files=["library.npz"],
        labels=["site"],
        properties={"valence": "e", "bond": "Angstrom"},
        group="site",
    )
    assert {n: a.attrs["role"] for n, a in named.data_vars.items() if "role" in a.attrs} == {
        "site": "label",
        "valence": "property",
        "bond": "property",
    }
    assert named.bond.attrs["units"] == "Angstrom"
    assert named.group.values.tolist() == SITE.tolist()


def test_group__is_each_spectrum_where_none_is_known(tmp_path: Path) -> None:
    save(tmp_path, group=None)
    with pytest.warns(XafsflowWarning, match="no group"):
        found = xf.ingest.spectra(tmp_path, files=["library.npz"])
    assert len(set(found.group.values)) == 6
    assert found.attrs["grouped"] is False
    # ... and is not taken for a group after it was stored
    write_library(found, tmp_path / "library.zarr")
    with pytest.warns(XafsflowWarning, match="no group"):
        assert xf.ingest.spectra(tmp_path, files=["library.zarr"]).attrs["grouped"] is False


def test_labels__that_some_files_lack_are_left_out_and_told(tmp_path: Path) -> None:
    save(tmp_path, "a.npz")
    save(tmp_path, "b.npz", bond=None)
    with pytest.warns(XafsflowWarning, match=r"bond \(not in b.npz\)"):
        found = xf.ingest.spectra(tmp_path, files=["a.npz", "b.npz"])
    assert "bond" not in found
    assert found.site.size == 12


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        ({}, {"files": []}, "no name in `files`"),
        ({}, {"files": ["libary.npz"]}, "did you mean 'library.npz'"),
        ({"mu": None}, {}, "spectra .* named mu or norm"),
        ({}, {"spectrum": "my"}, "did you mean 'mu'"),
        ({}, {"spectrum": "bond"}, r"of shape \(6,\)"),
        ({"energy": None}, {}, "without energies of its 30 points"),
        ({"energy": None}, {"energy": {"first": 7100.0}}, "a step above 0"),
        ({"energy": ENERGY[:-1]}, {}, r"energies of shape \(29,\)"),
        ({"energy": ENERGY[::-1]}, {}, "energy 1 is 7128 eV after 7129 eV"),
        ({}, {"labels": ["sites"]}, "did you mean 'site'"),
        ({}, {"labels": ["energy"]}, "one value for each of the spectra"),
        ({}, {"properties": ["site"]}, "Name it among the labels"),
        ({}, {"group": "mpid"}, "an array 'mpid'"),
        ({"z": np.ones((6, 2))}, {}, "'z' alone"),
        ({}, {"structure": {"atoms": "z"}}, "'atoms' in `structure`"),
        ({}, {"structure": {"z": "numbers"}}, "without the array 'numbers'"),
        ({"z": np.ones((6, 2)), "pos": np.ones((6, 3, 3))}, {}, r"z \(6, 2\), positions \(6, 3, 3\)"),
        ({"z": np.ones(9), "pos": np.ones((9, 3)), "offset": np.arange(7)}, {}, "from 0 to 6"),
        ({"z": np.zeros((6, 2)), "pos": np.ones((6, 2, 3))}, {}, "sample 0 of 0 atoms"),
        ({"mu": np.where(np.arange(30) == 9, np.nan, MU)}, {}, "sample 0 of library.npz with a gap"),
        ({"site": np.array([{}] * 6, object)}, {}, "plain arrays"),
        ({}, {"e0": 7112.0}, "e0 7112.0 without align"),
        ({}, {"align": "edge", "e0": "site"}, "the name of a property"),
        ({}, {"table": "labels.csv"}, "without files of one spectrum each"),
        ({"energy": np.stack([ENERGY + 9 * k for k in range(6)])}, {}, "sample 5 begins at 7145.0 eV"),
        ({"mu": np.zeros((6, 30))}, {"align": "edge", "e0": "lost"}, "name of a property"),
    ],
)
def test_wrong_input__is_named(tmp_path: Path, arrays: Any, settings: Any, message: str) -> None:
    save(tmp_path, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        xf.ingest.spectra(tmp_path, **({"files": ["library.npz"]} | settings))
    assert caught.value.expected
    assert caught.value.action


def test_wrong_tables__are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("site,1,2,3,4,5\na,1,1,1,1,1\nb,1,x,1,1,1\n")
    with pytest.raises(InputError, match=r"line 3, column 2: 'x'"):
        xf.ingest.spectra(tmp_path, files=["bad.csv"])
    for k in range(2):
        (tmp_path / f"s{k}.dat").write_text("\n".join(f"{e} 1" for e in ENERGY))
    (tmp_path / "labels.csv").write_text("file,site\ns0.dat,a\n")
    with pytest.raises(InputError, match=r"1 files without a line in .*s1\.dat"):
        xf.ingest.spectra(tmp_path, files=["s*.dat"], table="labels.csv")
    (tmp_path / "labels.csv").write_text("name,site\ns0.dat,a\n")
    with pytest.raises(InputError, match="a column `file`"):
        xf.ingest.spectra(tmp_path, files=["s*.dat"], table="labels.csv")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(InputError, match=r"zarr\.json"):
        xf.ingest.spectra(tmp_path, files=["empty.zarr"])
    with pytest.raises(InputError, match="leaves"):
        xf.ingest.spectra(tmp_path, files=["../other.zarr"])


def test_published_libraries__come_in_by_their_names(shared: Path) -> None:
    with pytest.warns(XafsflowWarning, match="no group"):
        mn = xf.ingest.spectra(shared / "formats" / "learning", files=["mn_doped_co3o4.npz"])
    assert dict(mn.sizes) == {"sample": 624, "energy": 239, "atom": 63, "xyz": 3}
    assert mn.z.values[0, :4].tolist() == [25, 8, 27, 8]
    np.testing.assert_allclose(mn.mu.values[[0, 10, -1], [0, 50, -1]], [0.02718859, 0.14113763, 1.2444997])
    zn = xf.ingest.spectra(
        shared / "zn_xanes", files=["Zn_element_*.npz"], energy={"first": 9640.0, "step": 1.0}
    )
    assert dict(zn.sizes) == {"sample": 3850, "energy": 120, "atom": 71, "xyz": 3}
    assert zn.attrs["grouped"]
    assert zn.group.attrs["source"] == "mpid"
    assert {zn[name].attrs["role"] for name in ("cn_1p2xdmin", "nearest_Z")} == {"label"}


HEADER = "site,group," + ",".join(f"{e:g}" for e in ENERGY)
ROWS = [
    ",".join([site, group, *map(repr, mu.tolist())]) for site, group, mu in zip(SITE, GROUP, MU, strict=True)
]


@pytest.mark.parametrize(
    ("names", "rows", "message"),
    [
        (HEADER.replace("7105", "7104"), ROWS, "the column '7104' twice"),
        (HEADER.replace("group", "site"), ROWS, "the column 'site' twice"),
        (HEADER.replace(",", ";"), [row.replace(",", ";") for row in ROWS], "not separated by commas"),
        (HEADER.replace(",", "\t"), [row.replace(",", "\t") for row in ROWS], "not separated by commas"),
        (HEADER, ["x," + row for row in ROWS], "Length of header"),
        (HEADER, [*ROWS[:3], ROWS[3] + ",1"], "line 5, saw 33"),
        (HEADER, [row.replace("a,", "\u00e9,") for row in ROWS], "in UTF-8"),
    ],
)
def test_table__that_would_be_read_wrongly_is_refused(
    tmp_path: Path, names: str, rows: list[str], message: str
) -> None:
    (tmp_path / "library.csv").write_bytes("\n".join([names, *rows]).encode("cp1252"))
    with pytest.raises(InputError, match=message):
        xf.ingest.spectra(tmp_path, files=["library.csv"])


def test_table__has_its_columns_though_lines_end_with_a_comma_and_names_have_spaces(tmp_path: Path) -> None:
    lines = [HEADER.replace(",", ", "), *(row + "," for row in ROWS)]
    (tmp_path / "library.csv").write_text("\n".join(lines))
    found = xf.ingest.spectra(tmp_path, files=["library.csv"])
    np.testing.assert_array_equal(found.mu, MU)
    assert found.site.values.tolist() == SITE.tolist()
    assert found.group.values.tolist() == GROUP.tolist()


@pytest.mark.parametrize("name", ["mu", "energy"])
def test_labels_of_files__do_not_have_the_names_of_spectra(tmp_path: Path, name: str) -> None:
    for k, mu in enumerate(MU[:2]):
        lines = [f"{e} {float(m)!r}" for e, m in zip(ENERGY, mu, strict=True)]
        (tmp_path / f"site{k}.dat").write_text("\n".join(lines))
    (tmp_path / "labels.csv").write_text(f"file,{name},7110\nsite0.dat,1,3\nsite1.dat,2,4\n")
    with pytest.raises(InputError, match=f"labels.csv with a column '{name}'"):
        xf.ingest.spectra(tmp_path, files=["site*.dat"], table="labels.csv")


@pytest.mark.parametrize(
    "energy", [ENERGY / 1000, np.tile(ENERGY / 1000, (6, 1)), {"first": 7.1, "step": 0.001}]
)
def test_energies_in_kev__are_converted_and_told(tmp_path: Path, energy: Any) -> None:
    given = isinstance(energy, dict)
    save(tmp_path, energy=None if given else energy)
    with pytest.warns(XafsflowWarning, match="keV and were converted"):
        found = xf.ingest.spectra(tmp_path, files=["library.npz"], energy=energy if given else None)
    np.testing.assert_allclose(found.energy, ENERGY, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.mu, MU)


def test_groups__may_be_numbers_and_none_may_lack(tmp_path: Path) -> None:
    save(tmp_path, group=np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0]))
    assert xf.ingest.spectra(tmp_path, files=["library.npz"]).group.values.tolist() == list("112233")
    for group in (np.array([1.0, 1.0, np.nan, 2.0, np.nan, 3.0]), np.array(["a", "a", "", "b", " ", "b"])):
        save(tmp_path, group=group)
        with pytest.raises(InputError, match="without a value for 2 of 6 spectra, the first at sample 2"):
            xf.ingest.spectra(tmp_path, files=["library.npz"])
