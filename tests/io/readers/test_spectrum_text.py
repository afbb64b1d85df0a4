from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import read_spectrum
from xafsflow.io.readers.spectrum_library import edge_inside, tabulated_edge
from xafsflow.io.readers.spectrum_text import read_two_columns

DATA = Path("../shared/data")
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the development data, ../shared/data, are not here"
)

ENERGY = 7100.0 + np.arange(8) ** 1.5
MU = 0.1 + 1 / (1 + np.exp(-(ENERGY - 7110.0)))
I0 = np.linspace(1e5, 9e4, 8)


def write(path: Path, columns: dict[str, np.ndarray], head: str = "") -> Path:
    """An XDI file with these columns; a key is the name and the unit."""
    names = "".join(f"# Column.{k}: {name}\n" for k, name in enumerate(columns, 1))
    rows = "\n".join(
        " ".join(repr(float(value)) for value in row) for row in zip(*columns.values(), strict=True)
    )
    path.write_text(f"# XDI/1.0\n{names}{head}# ///\n# a note. of: the user\n#----\n{rows}\n")
    return path


@pytest.mark.parametrize(
    ("columns", "used"),
    [
        ({"energy eV": ENERGY, "i0": I0, "itrans": I0 * np.exp(-MU)}, ("energy", "i0", "itrans")),
        ({"itrans counts": I0 * np.exp(-MU), "i0 counts || 13:PV": I0, "energy eV || PV": ENERGY}, None),
        ({"energy eV": ENERGY, "mutrans": MU, "mufluor": -MU, "i0": I0}, ("energy", "mutrans")),
        ({"energy eV": ENERGY, "murefer": -MU, "mufluor": MU}, ("energy", "mufluor")),
        ({"energy eV": ENERGY, "ifluor": I0 * MU, "i0": I0}, ("energy", "ifluor", "i0")),
        (
            {"energy eV": ENERGY, "ifluor": I0, "itrans": I0 * np.exp(-MU), "i0": I0},
            ("energy", "i0", "itrans"),
        ),
        ({"energy eV": ENERGY, "itrans": I0, "norm": MU}, ("energy", "norm")),
        ({"e eV": ENERGY, "xmu": MU, "bkg": -MU, "pre_edge": -MU}, ("e", "xmu")),
        ({"energy eV": ENERGY, "energy_readback eV": ENERGY + 1, "mutrans": MU}, ("energy", "mutrans")),
        ({"energy eV": ENERGY, "something": MU}, ("energy", "something")),
    ],
)
def test_read_spectrum__makes_absorbance_of_the_columns_of_xdi(
    tmp_path: Path, columns: dict[str, np.ndarray], used: tuple[str, ...] | None
) -> None:
    spectrum = read_spectrum(write(tmp_path / "foil.xdi", columns))
    np.testing.assert_allclose(spectrum.energy, ENERGY, rtol=1e-15)
    np.testing.assert_allclose(spectrum.mu, MU, rtol=1e-12)
    assert spectrum.name == "foil"
    assert spectrum.source == tmp_path / "foil.xdi"
    assert used is None or spectrum.columns == used


def test_read_spectrum__keeps_what_the_header_says(tmp_path: Path) -> None:
    head = "# Element.symbol:  fe \n#Element.edge: k\n# Sample.name: a: b || PV\n# Mono.d_spacing: 3.1355\n"
    spectrum = read_spectrum(write(tmp_path / "a.xdi", {"energy eV": ENERGY, "mutrans": MU}, head))
    assert (spectrum.element, spectrum.edge) == ("Fe", "K")
    assert spectrum.metadata["sample.name"] == "a: b"
    assert "note. of" not in spectrum.metadata


def test_read_spectrum__takes_the_column_it_is_told(tmp_path: Path) -> None:
    columns = {
        "energy eV": ENERGY,
        "i0": I0,
        "itrans": I0 / 2,
        "irefer": I0 / 2 * np.exp(-MU),
        "Pyrite": MU,
        "Fe (II)": MU,
    }
    path = write(tmp_path / "a.xdi", columns)
    np.testing.assert_allclose(read_spectrum(path).mu, np.log(2), rtol=1e-12)
    reference = read_spectrum(path, mu="ln(itrans/IREFER)")
    np.testing.assert_allclose(reference.mu, MU, rtol=1e-12)
    assert reference.columns == ("energy", "itrans", "irefer")
    for column in ("Pyrite", "pyrite", "5", "fe (ii)", "'Fe (II)'", "$6 + 0*i0"):
        np.testing.assert_array_equal(read_spectrum(path, mu=column).mu, MU)
    assert read_spectrum(path, mu="5").name == "Pyrite"
    assert read_spectrum(path, mu="ln(i0/itrans)").name == "a"
    with pytest.raises(InputError, match=r"with counts, itrans, for mu.*mu: ln\(I0/It\)"):
        read_spectrum(path, mu="itrans")
    with pytest.raises(
        InputError, match=r"without a column 'Pyrit'.*Choose one of energy, i0.*did you mean 'Pyrite'"
    ):
        read_spectrum(path, mu="Pyrit")
    with pytest.raises(InputError, match="column of its energies"):
        read_spectrum(path, mu="energy")
    with pytest.raises(InputError, match=r"column i0, which is no energy.*there are energy, i0"):
        read_spectrum(path, energy="i0")
    with pytest.raises(InputError, match=r"one table\. Expected no entry"):
        read_spectrum(path, entry="1")


@pytest.mark.parametrize(
    "form",
    [
        "{0} {1}",
        "  {0}\t{1}  ",
        "{0},{1}",
        "{0}, {1},",
        "{0};{1}",
        "{0}\r\n",
    ],
)
@pytest.mark.parametrize("suffix", [".r", ".xsp", ".csv", ".xxdi", ""])
def test_read_spectrum__reads_two_columns_of_any_form(tmp_path: Path, form: str, suffix: str) -> None:
    form = form.replace("{0}\r\n", "{0} {1}\r")
    text = "\n".join(form.format(repr(float(e)), f"{m:.16E}") for e, m in zip(ENERGY, MU, strict=True))
    for head in (
        "",
        "# energy mu\n",
        "Energy (eV),mu\n",
        '\ufeff"Energy","mu"\n',
        "a note\n\n% Iron oxide\n",
    ):
        path = tmp_path / f"oxide{suffix}"
        path.write_bytes((head + text).encode())
        spectrum = read_spectrum(path)
        np.testing.assert_array_equal(spectrum.energy, ENERGY)
        np.testing.assert_allclose(spectrum.mu, MU, rtol=1e-15)
        assert (spectrum.name, spectrum.element) == ("oxide", "")


def test_read_spectrum__reads_numbers_as_fortran_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_text("\n".join(f".71{k}D+04 +{k}.5d-01" for k in range(6)))
    np.testing.assert_allclose(read_spectrum(path).mu, 0.05 + 0.1 * np.arange(6))
    np.testing.assert_allclose(read_spectrum(path).energy, 7100 + 10 * np.arange(6))


@pytest.mark.parametrize("name", ["energy keV", "energy_keV", "Energy (keV)", "keV", "energy"])
def test_read_spectrum__converts_kev_aloud(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "a.xdi", {name: ENERGY / 1000, "mutrans": MU})
    with pytest.warns(XafsflowWarning, match="keV"):
        spectrum = read_spectrum(path)
    np.testing.assert_allclose(spectrum.energy, ENERGY, atol=2e-6)


@pytest.mark.parametrize(("unit", "scale"), [("degrees", 180 / np.pi), ("", 180 / np.pi), ("radians", 1.0)])
def test_read_spectrum__turns_angles_into_energies_by_bragg(tmp_path: Path, unit: str, scale: float) -> None:
    angle = np.arcsin(12398.4198 / (2 * 3.13551 * ENERGY)) * scale
    path = write(tmp_path / "a.xdi", {f"angle {unit}": angle, "mutrans": MU}, "# Mono.d_spacing: 3.13551\n")
    np.testing.assert_allclose(read_spectrum(path).energy, ENERGY, rtol=1e-8)
    for spacing in ("", "inf", "-3", "Si(111)"):
        path = write(
            tmp_path / "b.xdi", {f"angle {unit}": angle, "mutrans": MU}, f"# Mono.d_spacing: {spacing}\n"
        )
        with pytest.raises(InputError, match="spacing"):
            read_spectrum(path)


def test_read_spectrum__sorts_and_averages_repeated_energies_aloud(tmp_path: Path) -> None:
    down = read_spectrum(write(tmp_path / "a.xdi", {"energy eV": ENERGY[::-1], "mutrans": MU[::-1]}))
    np.testing.assert_array_equal(down.energy, ENERGY)
    np.testing.assert_array_equal(down.mu, MU)
    twice = {"energy eV": np.r_[ENERGY, ENERGY[3]], "mutrans": np.r_[MU, MU[3] + 0.5]}
    with pytest.warns(
        XafsflowWarning, match=r"1 energies repeat \(the first 7105\.196152 eV\), their means are taken"
    ):
        mean = read_spectrum(write(tmp_path / "b.xdi", twice))
    np.testing.assert_array_equal(mean.energy, ENERGY)
    np.testing.assert_allclose(mean.mu, np.where(np.arange(8) == 3, MU + 0.25, MU))


ROWS = "".join(f"{7100 + k} {k / 10}\n" for k in range(10))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "without a line of numbers"),
        ("# only\n# comments", "without a line of numbers"),
        (ROWS.replace("7104 0.4", "7104 *****"), r"line 5: '\*\*\*\*\*'. Expected a number"),
        (ROWS.replace("7100 0.0", "7100 bad"), "line 1: 'bad'. Expected a number"),
        (ROWS.replace("7104 0.4", "7104 1_0"), "line 5: '1_0'"),
        (ROWS.replace("7104 0.4", "end of scan"), "line 5: 'end'"),
        (ROWS.replace("7104 0.4", "7104"), "line 5: 1 numbers. Expected 2, as in line 1"),
        (ROWS.replace("7104 0.4", "7104 nan"), "line 5: nan. Expected a finite number"),
        (ROWS.replace("7104 0.4", "7104 -INF"), "line 5: -inf. Expected a finite number"),
        (ROWS.replace("7104 0.4", "7104 1e999"), "line 5: inf. Expected a finite number"),
        (ROWS.replace("7104 0.4", "nan 0.4"), "line 5: nan. Expected a finite number"),
        (ROWS.replace("7104 0.4", "-7104 0.4"), "-7104.* positive"),
        (ROWS.replace("7104 0.4", "0 0.4"), "positive"),
        ("\n".join(ROWS.splitlines()[:4]), "with 4 energies. Expected 5 or more"),
        (ROWS.replace(" ", " 1 "), "with 3 columns: 1, 2, 3. Expected energy and one more"),
        (
            "# energy a b\n" + ROWS.replace(" ", " 1 "),
            "with 3 columns: energy, a, b. Expected energy and one more",
        ),
        (re.sub(" .*", "", ROWS), "with 1 columns: 1. Expected energy and one more"),
        (
            "# Column.1: x\n# Column.2: mu\n" + ROWS,
            "with the columns x, mu. Expected a column energy or angle",
        ),
        ("# Column.3: mu\n" + ROWS, "2 columns and a header for column 3"),
        ("# energy itrans\n" + ROWS, "energy, itrans. Expected energy and one more, the absorbance"),
        ("# energy i0\n" + ROWS, "energy, i0. Expected energy and one more, the absorbance"),
        ("# k chi\n" + ROWS.replace("71", ""), "the columns k, chi. Expected a column energy or angle"),
        ("# mono_steps mu\n" + ROWS, "the columns mono_steps, mu. Expected a column energy"),
        ("# E-E0 mu\n" + ROWS, "the columns E-E0, mu. Expected a column energy"),
        (ROWS.replace("710", "7"), "first column, .* has no name. Expected energies in eV"),
        ("# energy mu\n" + "".join(f"{7100 + k % 2} 1\n" for k in range(9)), "goes up and down"),
        ("# energy mu\n" + "7112 1\n" * 9, "changes by 0 eV"),
        (
            "# Element.symbol: Cu\n# Element.edge: K\n# energy mu\n" + ROWS,
            r"the header says Cu K \(8979.0 eV\), the energies go from 7100.0 to 7109.0 eV",
        ),
        (
            "# energy mutrans mutrans\n" + ROWS.replace(" ", " 1 "),
            r"2 columns 'mutrans'. Expected one. Say which: `mu: \$2` .* or `mu: \$3`",
        ),
        ("# energy i0 itrans\n" + ROWS.replace(" ", " 1 "), "line 2: 0. Expected itrans above zero"),
        (
            "# energy i0 itrans\n" + ROWS.replace(" ", " 1 ").replace("0.4", "nan"),
            "line 6: nan. Expected a finite number",
        ),
        (
            "# energy itrans i0\n" + ROWS.replace(" ", " 1 ") + "7110 2 0\n",
            "line 2: 0 .*. Expected i0 above zero",
        ),
        ("# Column.1: energy counts\n" + ROWS, "unit counts"),
    ],
)
def test_read_spectrum__says_what_is_wrong_and_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.dat"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_spectrum(path)
    assert "bad.dat" in str(caught.value)


def test_read_spectrum__refuses_what_is_no_text(tmp_path: Path) -> None:
    for raw, message in (
        (b"\x1f\x8bproject", "damaged gzip"),
        (b"II*\0\0\0", r"no known format of spectra\. Expected one of these formats: an Athena project"),
        (b"\x89HDF\r\n\x1a\nand no more", "HDF5 that cannot be read"),
    ):
        (tmp_path / "a.prj").write_bytes(raw)
        with pytest.raises(InputError, match=message):
            read_spectrum(tmp_path / "a.prj")
    with pytest.raises(InputError, match="No such file"):
        read_spectrum(tmp_path / "b.prj")
    with pytest.raises(InputError, match="directory"):
        read_spectrum(tmp_path)
    with pytest.raises(InputError, match="null"):
        read_spectrum(Path("a\0b"))


@pytest.mark.parametrize("separator", [" ", "\t", ";", "; "])
def test_read_spectrum__reads_decimal_commas(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{e:.3f}{separator}{m:.6f}".replace(".", ",") for e, m in zip(ENERGY, MU, strict=True)]
    path.write_text(f"Energie{separator}mu\n" + "\n".join(rows))
    spectrum = read_spectrum(path)
    np.testing.assert_allclose(spectrum.energy, ENERGY, atol=6e-4)
    np.testing.assert_allclose(spectrum.mu, MU, atol=6e-7)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8", "latin-1"])
def test_read_spectrum__reads_the_encodings_of_windows(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("energy,mu of 5 µm\r\n" + ROWS.replace(" ", ",")).encode(encoding))
    assert read_spectrum(path).mu.tolist() == [k / 10 for k in range(10)]


def test_read_spectrum__leaves_headers_with_numbers_and_footers_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    head = "MnO2\n3000 x 806\n4 layers\n3 May\n1.5 2.5\n------\n energy mu\n10\n"
    path.write_text(f"{head}{ROWS}\nend of scan at 12:30\n2 scans\n")
    spectrum = read_spectrum(path)
    assert (len(spectrum.energy), spectrum.columns) == (10, ("energy", "mu"))


def test_read_spectrum__reads_headers_in_old_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes("# 20 °C, 5 µm …\n".encode("cp1252") + ROWS.encode())
    assert len(read_spectrum(path).energy) == 10


def test_read_two_columns__reads_counts(tmp_path: Path) -> None:
    path = tmp_path / "i0.xsp"
    path.write_text("7.0E+2 9.0E+2\n6.9E+2 8.0E+2\n")
    energy, counts = read_two_columns(path)
    np.testing.assert_array_equal(energy, [690, 700])
    np.testing.assert_array_equal(counts, [800, 900])
    xdi = write(tmp_path / "a.xdi", {"energy eV": ENERGY, "itrans": I0 / 2, "i0": I0})
    np.testing.assert_array_equal(read_two_columns(xdi)[1], I0)
    path.write_text("1000 1 2\n1001 1 2")
    with pytest.raises(
        InputError, match=r"with 3 columns: 1, 2, 3. Expected energy and one more, the counts"
    ):
        read_two_columns(path)


def test_tabulated_edge__knows_elements_and_edges() -> None:
    assert tabulated_edge("Fe", "K") == 7112.0
    assert tabulated_edge("Cu", "K") == 8979.0
    with pytest.raises(InputError, match="the element 'Xx'"):
        tabulated_edge("Xx", "K")
    with pytest.raises(InputError, match=r"the edge 'L33' of Fe.*did you mean 'L3'.*one of K, L1"):
        tabulated_edge("Fe", "L33")
    assert edge_inside(np.array([7000.0, 7200.0]), 7112.0)
    assert not edge_inside(np.array([7000.0, 7112.0]), 7112.0)
    assert not edge_inside(np.array([8000.0, 8112.0]), 7112.0)


@needs_data
def test_read_spectrum__reads_every_measured_standard() -> None:
    paths = [
        path for path in sorted((DATA / "standards").rglob("*")) if path.is_file() and path.suffix != ".txt"
    ]
    assert len(paths) == 274
    used: dict[tuple[str, ...], int] = {}
    for path in paths:
        spectrum = read_spectrum(path)
        assert spectrum.element == path.parent.name
        assert edge_inside(spectrum.energy, tabulated_edge(spectrum.element, spectrum.edge))
        used[spectrum.columns] = used.get(spectrum.columns, 0) + 1
        names = re.findall(r"# *Column\.\d+: *(\S+)", path.read_text("utf-8"))
        raw = dict(zip(names, np.loadtxt(path, encoding="utf-8", unpack=True), strict=True))
        np.testing.assert_array_equal(spectrum.energy, raw["energy"])
        if "mutrans" in raw:
            np.testing.assert_array_equal(spectrum.mu, raw["mutrans"])
        elif "itrans" in raw:
            np.testing.assert_allclose(spectrum.mu, np.log(raw["i0"]) - np.log(raw["itrans"]), atol=1e-12)
        else:
            np.testing.assert_allclose(spectrum.mu, raw["ifluor"] / raw["i0"], rtol=1e-15)
    assert used == {
        ("energy", "i0", "itrans"): 207,
        ("energy", "mutrans"): 34,
        ("energy", "ifluor", "i0"): 33,
    }


@needs_data
def test_read_spectrum__reads_the_other_measured_files() -> None:
    oxidized = read_spectrum(DATA / "als_fe2p" / "oxidized.r")
    assert (len(oxidized.energy), oxidized.energy[0], oxidized.mu[0]) == (123, 700.0, 1.1786773)
    energy, counts = read_two_columns(DATA / "als_fe2p" / "i0.xsp")
    assert (len(energy), counts[0]) == (123, 901.48397)
    path = DATA / "fe_library" / "FeLibNov2021.nor"
    with pytest.raises(
        InputError, match=r"Magnetite, Maghemite, Goethite.*Say what it is: `mu: Magnetite` \(edge at 71"
    ):
        read_spectrum(path)
    pyrite = read_spectrum(path, mu="Pyrite")
    assert (pyrite.name, pyrite.element, pyrite.edge, len(pyrite.energy)) == ("Pyrite", "Fe", "K", 196)
    np.testing.assert_array_equal(pyrite.mu, np.loadtxt(path)[:, 9])
    with pytest.raises(InputError, match="without a line of numbers"):
        read_spectrum(DATA / "standards" / "LICENSE.txt")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{},FeS2,1,{}", "FeS2"),
        ("{},2023-04-12 12:01,5,{}", "2023-04-12 12:01"),
        ("7.112,5;0,{1}{0}", "7.112,5"),
    ],
)
def test_read_spectrum__names_the_texts_among_numbers(tmp_path: Path, line: str, word: str) -> None:
    path = tmp_path / "scan.csv"
    path.write_text("energy,a,b,mu\n" + "\n".join(line.format(7100 + k, k) for k in range(30)))
    with pytest.raises(InputError, match=f"line 2: '{word}' among numbers.*Take the column out"):
        read_spectrum(path)
