"""Column files in the layouts of beamlines, written here; the values are those that were written."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import read_spectra, read_spectrum
from xafsflow.io.readers.spectra.beamline_names import role_of
from xafsflow.io.readers.spectra.edge_check import edge_of
from xafsflow.io.readers.spectra.element_names import element_symbol
from xafsflow.io.readers.spectrum_collection import read_collection

DRAW = np.random.default_rng(7)
ENERGY = np.r_[7000.0:7090.0:10, 7090.0:7150.0:0.5, 7150.0:7400.0:4]
SMOOTH = (
    1 / (1 + np.exp(-(ENERGY - 7122) / 2)) * (1 + 0.1 * np.sin(np.sqrt(np.clip(ENERGY - 7122, 0, None)) * 2))
)
I0 = np.linspace(1.2e5, 0.8e5, len(ENERGY)) + 3e3 * np.sin(ENERGY / 40)
IT = I0 * np.exp(-0.4 - SMOOTH)
IR = IT * np.exp(-0.2 - 1.5 * SMOOTH)
IF = I0 * (0.01 + 0.2 * SMOOTH)
FLAT = I0 * 0.01
ONE = np.ones_like(ENERGY)
NOISE = DRAW.normal(50, 3, len(ENERGY))


def rows(*columns: np.ndarray, separator: str = " ") -> str:
    return "\n".join(separator.join(map(repr, row)) for row in np.column_stack(columns).tolist()) + "\n"


def labview(names: list[str]) -> str:
    heads = "".join(f"{name[:21]:21}" for name in names)
    return (
        f"# 1-D Scan File created by LabVIEW Control Panel  7/9/2019\n# Column Headings:\n#{heads.rstrip()}\n"
    )


QUOTED = '#(1)\t"Event-ID"\t"BL:Energy"\t"BL:mcs03:fbk"\t"BL:mcs04:fbk"\t"BL:k"\n'
ALIASES = '#(1)\t"Event-ID"\t"$(AbsEnergyName)"\t"$(Detector1)"\t"$(Detector2)"\t"$(kName)"\n'
FIO = "".join(
    f" Col {k} CU_1{name}  FLOAT \n" for k, name in enumerate(("", "", "_HHENERGY", "_C1", "_C2"), 1)
)
LAYOUTS: dict[str, tuple[str, tuple[str, ...], np.ndarray]] = {
    "diamond B18": (
        "# qexafs_energy\tI0\tIt\tIref\tlnI0It\tlnItIref\tFFI0\n"
        + rows(ENERGY, I0, IT, IR, np.log(I0 / IT), np.log(IT / IR), IF / I0),
        ("qexafs_energy", "lnI0It"),
        np.log(I0 / IT),
    ),
    "diamond B18, dilute": (
        "# qexafs_energy\tI0\tIt\tIref\tlnI0It\tlnItIref\tFFI0\n"
        + rows(ENERGY, I0, FLAT, IR, ONE * 0.3 + NOISE / 1e3, np.log(IT / IR), IF / I0),
        ("qexafs_energy", "FFI0"),
        IF / I0,
    ),
    "LabVIEW, names run together": (
        labview(["Mono Energy *", "Scaler preset time * and more", "I0-32", "It-32", "If-32"])
        + rows(ENERGY, ONE, I0, IT, FLAT),
        ("Mono Energy", "I0-32", "It-32"),
        np.log(I0 / IT),
    ),
    "four elements": (
        "# energy i0 it ifch1 ifch2 ifch3 ifslow1\n" + rows(ENERGY, I0, FLAT, IF, IF / 2, IF / 4, I0),
        ("energy", "ifch1", "ifch2", "ifch3", "i0"),
        1.75 * IF / I0,
    ),
    "line of another element": (
        "# energy\tI0\tFeKa_Sum\tCuKa_Sum\tTotal_Sum\n" + rows(ENERGY, I0, IF, FLAT, I0),
        ("energy", "FeKa_Sum", "I0"),
        IF / I0,
    ),
    "corrected for dead time": (
        "# Energy\tIo\t\tFY\t\tDeadTime\tFY_c\tTEY\tIt\n"
        + rows(ENERGY, I0, IF, NOISE, IF * 1.1, 0 * ONE, 0 * ONE),
        ("Energy", "FY_c", "Io"),
        1.1 * IF / I0,
    ),
    "Epics": (
        "; Epics Scan 1 dimensional scan\n; P1 = {Mono Energy} --> A\n; P2 = {Scaler Count Time} --> B\n"
        "; D1 = {I0}  --> C\n; D2 = {I1}  --> D\n;  P1 P2 D1 D2\n" + rows(ENERGY, ONE, I0, IT),
        ("Mono Energy", "I0", "I1"),
        np.log(I0 / IT),
    ),
    "SSRL, weights before": (
        "SSRL - EXAFS Data Collector 1.2\nWeights:\n 1.0 1.0 1.0 1.0\nOffsets:\n 0 0 0 0\nData:\nReal Time Clock\n"
        "Requested Energy\nI0\nI1\n\n" + rows(np.arange(len(ENERGY)), ENERGY, I0, IT),
        ("Requested Energy", "I0", "I1"),
        np.log(I0 / IT),
    ),
    "mda2ascii": (
        "# Column Descriptions:\n#    1  [     Index      ]\n"
        "#    2  [1-D Positioner 1]  PGM:SP, Mono setpoint, TABLE, eV, PGM:SP, Mono setpoint, eV\n"
        "#    3  [1-D Detector   1]  AMP09:CURR, I0 Chamber, A\n#    4  [1-D Detector   2]  DPP:ROI, TFY, \n\n"
        "# 1-D Scan Values\n" + rows(np.arange(len(ENERGY)), ENERGY, I0, IF),
        ("Mono setpoint", "TFY", "I0 Chamber"),
        IF / I0,
    ),
    "DESY": (
        f"!\n%c\n EXAFS-Scan started at 24-Nov\n%d\n{FIO}"
        + rows(ENERGY, np.log(I0 / IT), ENERGY + 1, I0, IT),
        ("energy", "2"),
        np.log(I0 / IT),
    ),
    "LISA": (
        "#eBraggEnergy I0_EH1 I1_EH1 mu I1_EH2 IR_EH2 mu_ref\n"
        + rows(ENERGY, I0, IT, np.log(I0 / IT), IT, IR, np.log(IT / IR)),
        ("eBraggEnergy", "mu"),
        np.log(I0 / IT),
    ),
    "APS 12-BM": (
        "#D Tue Jul 09 14:44:45 2019\n#S Scan 29; exafsscan\n#C 1_Energy (keV) 2_sec 3_mononrg 4_i0 5_i1 6_fla01\n"
        + rows(ENERGY / 1000, ONE, ENERGY / 1000, I0, IT, 0 * ONE),
        ("Energy", "i0", "i1"),
        np.log(I0 / IT),
    ),
    "SLS PHOENIX": (
        "#    Energy_c1    FeKa_sum_cps_c2    AlKa_sum_cps_c3    I0_KEITHLEY1_c4    I1_KEITHLEY2_c5\n"
        + rows(ENERGY, IF, FLAT, I0, -ONE),
        ("Energy", "FeKa_sum_cps", "I0_KEITHLEY1"),
        IF / I0,
    ),
    "NSLS-II ISS, negative currents": (
        "# Element: As\n# Edge: K\n# E0: 11867\n#\n# # energy  i0  ir  it  iff  pba2_adc7\n"
        + rows(ENERGY + 4745, -I0, -IR, -FLAT, -IF, NOISE),
        ("energy", "iff", "i0"),
        IF / I0,
    ),
    "energies in keV": (
        "energy_keV;mu\n" + rows(ENERGY / 1000, SMOOTH, separator=";"),
        ("energy", "mu"),
        SMOOTH,
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.filterwarnings("ignore:.*are keV:xafsflow.errors.XafsflowWarning")
def test_read_spectrum__knows_the_columns_of_beamlines(tmp_path: Path, layout: str) -> None:
    text, columns, mu = LAYOUTS[layout]
    path = tmp_path / "scan.dat"
    path.write_text(text)
    spectrum = read_spectrum(path)
    assert spectrum.columns == columns
    np.testing.assert_allclose(spectrum.energy, ENERGY + (4745 if spectrum.element == "As" else 0), rtol=1e-9)
    np.testing.assert_allclose(spectrum.mu, mu, rtol=1e-9, atol=1e-12)
    assert len(read_spectra(path)) == 1


def test_read_spectrum__asks_which_detector_is_which_and_takes_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text("# CLS\n" + QUOTED + ALIASES + rows(ONE, ENERGY, I0, IT, 0 * ONE, separator=", "))
    with pytest.raises(InputError, match=r"mu: ln\(BL:mcs03:fbk/BL:mcs04:fbk\)` \(edge at 712"):
        read_spectrum(path)
    for text in (
        "ln(Detector1/Detector2)",
        "ln(mcs03/mcs04)",
        "ln($3/$4)",
        "ln('BL:mcs03:fbk'/'BL:mcs04:fbk')",
    ):
        np.testing.assert_allclose(read_spectrum(path, mu=text).mu, np.log(I0 / IT))


def test_read_spectrum__offers_ratios_with_the_monitor(tmp_path: Path) -> None:
    path = tmp_path / "GeO2.dat"
    head = "#F GeO2.dat\n#E 1371554237\n#D Fri\n\n#S 1  zapline mono 10.3 9.9\n#N 5\n"
    names = "#L Mon    Det1  Ion1  MusstEnc1  ZapEnergy\n"
    path.write_text(head + names + rows(I0, 0 * ONE, IT, -ENERGY * 10, ENERGY))
    with pytest.raises(InputError, match=r"Say what it is: `mu: ln\(Mon/Ion1\)` \(edge at 712"):
        read_spectrum(path)
    np.testing.assert_allclose(read_spectrum(path, mu="ln(Mon/Ion1)").mu, np.log(I0 / IT))


def test_read_spectrum__takes_no_reference_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text("# energy i0 it ir\n" + rows(ENERGY, I0, FLAT, FLAT * np.exp(-SMOOTH)))
    with pytest.raises(InputError, match=r"no clear edge in ln\(i0/it\).*mu: ln\(it/ir\)` \(edge at 712"):
        read_spectrum(path)


def test_read_spectrum__shows_two_choices_with_their_edges(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text("# energy i0 i0_b it\n" + rows(ENERGY, I0, I0 * 1.1, IT))
    with pytest.raises(
        InputError, match=r"may be `mu: ln\(i0/it\)` \(edge at .*step .*; `mu: ln\(i0_b/it\)`"
    ):
        read_spectrum(path)


def test_read_spectrum__believes_a_header_that_says_divided_by_i0(tmp_path: Path) -> None:
    path = tmp_path / "scan.xdi"
    head = "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: ifluor\n"
    path.write_text(
        head
        + "# Describe.Column.3: ifluor - sum of elements, normalised by i0\n#--\n"
        + rows(ENERGY, I0, IF / I0)
    )
    assert read_spectrum(path).columns == ("energy", "ifluor")
    path.write_text(head + "#--\n" + rows(ENERGY, I0, IF))
    assert read_spectrum(path).columns == ("energy", "ifluor", "i0")


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ("energy i0", (ENERGY, I0)),
        ("energy it", (ENERGY, IT)),
        ("energy counts", (ENERGY, IF)),
        ("energy detector", (ENERGY, np.round(IF * 10))),
        ("energy i0 counts", (ENERGY, I0, IF)),
        ("k chi", (np.linspace(0.5, 14, 80), np.sin(np.arange(80.0)))),
        ("E-E0 mu", (ENERGY - 7112, SMOOTH)),
        ("mono_steps mu", (ENERGY * 10, SMOOTH)),
        ("time mu", (ENERGY, SMOOTH)),
        ("pixel mu", (ENERGY, SMOOTH)),
        ("point mu", (ENERGY, SMOOTH)),
        ("theta mu", (np.linspace(16.4, 15.5, len(ENERGY)), SMOOTH)),
        ("energy_loss mu", (ENERGY, SMOOTH)),
        ("sample_x y mu", (ENERGY, ENERGY, SMOOTH)),
        ("energy mystery", (ENERGY, I0 / 1e5)),
    ],
)
def test_nothing__is_a_spectrum_without_energies_and_absorbance(
    tmp_path: Path, head: str, columns: tuple[np.ndarray, ...]
) -> None:
    path = tmp_path / "scan.dat"
    path.write_text(f"# {head}\n" + rows(*columns))
    reads: tuple[Callable[[Path], object], ...] = (read_spectrum, read_spectra)
    for read in reads:
        with pytest.raises(InputError):
            read(path)


def test_read_spectrum__says_which_columns_may_be_energies(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text("# bragg1WithOffset I0 It\n" + rows(ENERGY, I0, IT))
    with pytest.raises(InputError, match=r"such as energy: bragg1WithOffset \(7000\.0 to 7398\.0\)"):
        read_spectrum(path)
    np.testing.assert_allclose(read_spectrum(path, energy="bragg1WithOffset").mu, np.log(I0 / IT))


def test_read_spectrum__says_that_the_edge_is_not_that_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text(
        "# Element: Manganese ( 25)\n# Edge: K\n# energy mu\n" + rows(np.r_[6500.0, ENERGY], np.r_[0, SMOOTH])
    )
    with pytest.warns(XafsflowWarning, match=r"header says Mn K \(6539.0 eV\), mu has its edge at 712"):
        assert read_spectrum(path).element == "Mn"


def test_read_collection__takes_what_is_a_spectrum_and_lists_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("# energy I0 It\n" + rows(ENERGY, I0, IT))
    (tmp_path / "b.nor").write_text("# energy Pyrite Magnetite\n" + rows(ENERGY, SMOOTH, SMOOTH * 0.9))
    (tmp_path / "c.dat").write_text("# energy i0\n" + rows(ENERGY, I0))
    (tmp_path / "d.dat").write_text("# energy a b\n" + rows(ENERGY, I0, IF))
    (tmp_path / "e.prj").write_bytes(b"\x1f\x8b broken")
    (tmp_path / "f.dat").write_text("# energy mu\n" + rows(ENERGY, 0.3 + 0.01 * NOISE))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_collection(sorted(tmp_path.iterdir()))
    assert [one.name for one in found] == ["a", "Pyrite", "Magnetite"]
    said = " ".join(str(one.message) for one in caught)
    assert all(f"{name} is left out" in said for name in ("c.dat", "d.dat", "e.prj", "f"))


def test_read_collection__leaves_out_other_edges_without_an_element(tmp_path: Path) -> None:
    for name, energy in (("iron", ENERGY), ("copper", ENERGY + 1867), ("manganese", ENERGY - 583)):
        (tmp_path / f"{name}.dat").write_text("# energy mu\n" + rows(energy, SMOOTH))
    wide = np.r_[ENERGY - 583, np.linspace(6900.0, 7400.0, 60)]
    (tmp_path / "wide.dat").write_text("# energy mu\n" + rows(wide, np.r_[SMOOTH, np.ones(60)]))
    for k in range(2):
        (tmp_path / f"known_{k}.dat").write_text(
            "# Element: Fe\n# Edge: K\n# energy mu\n" + rows(ENERGY, SMOOTH)
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = read_collection(sorted(tmp_path.iterdir()))
    assert [one.name for one in found] == ["iron", "known_0", "known_1"]
    said = " ".join(str(one.message) for one in caught)
    assert "without the Fe K edge" in said
    assert "wide is left out: edge at 65" in said


def test_edge_of__finds_edges_and_nothing_else() -> None:
    clear = edge_of(ENERGY, SMOOTH + DRAW.normal(0, 0.03, len(ENERGY)))
    assert clear.clear
    assert abs(clear.energy - 7122) < 4
    glitch = np.where(np.abs(ENERGY - 7110) < 1, 3.0, 0.0)
    for mu in (-SMOOTH, glitch, -glitch, ENERGY / 7000, np.exp(-ENERGY / 100), I0, NOISE, 0 * ENERGY):
        assert edge_of(ENERGY, mu).clear is False
    assert edge_of(ENERGY[:10], SMOOTH[:10]).clear is None
    ends_on_the_rise = ENERGY < 7124
    assert edge_of(ENERGY[ends_on_the_rise], SMOOTH[ends_on_the_rise]).clear


@pytest.mark.parametrize(
    "name", ["k", "mono_steps", "E-E0", "Seconds", "Pt_No", "time", "pixel", "ICR3", "dead time"]
)
def test_role_of__never_takes_these_for_energies_or_spectra(name: str) -> None:
    assert role_of(name) == "other"


def test_element_symbol__knows_names_and_what_is_not_set() -> None:
    assert [element_symbol(text) for text in ("iron", " FE ", "Molybdenum", "42")] == ["Fe", "Fe", "Mo", "Mo"]
    assert {element_symbol(text) for text in ("nan", "?", "H", "", "unknown", "Fe2O3")} == {""}


def test_read_spectrum__takes_no_negative_absorbance_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    for name, mu in (("xmu", "-xmu"), ("ln(It/I0)", "-'ln(It/I0)'")):
        path.write_text(f"# energy, {name}\n" + rows(ENERGY, np.log(IT / I0), separator=", "))
        with pytest.raises(InputError, match=f"falls at 712.* say mu: {re.escape(mu)}"):
            read_spectrum(path)
        np.testing.assert_allclose(read_spectrum(path, mu=mu).mu, np.log(I0 / IT))


def test_read_spectrum__asks_which_of_scans_behind_each_other(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text("# energy mu\n" + rows(ENERGY, SMOOTH) + rows(ENERGY + 0.3, SMOOTH + 2))
    with pytest.raises(InputError, match=r"2 scans of the energy: 1 .*; 2 .*entry: 1"):
        read_spectrum(path)
    np.testing.assert_array_equal(read_spectrum(path, entry="2").mu, SMOOTH + 2)
    assert [one.name for one in read_spectra(path)] == ["scan 1", "scan 2"]
    path.write_text("# energy mu\n" + rows(ENERGY, SMOOTH) + rows(ENERGY, SMOOTH + 2))
    with pytest.warns(XafsflowWarning, match="energies repeat"):
        np.testing.assert_allclose(read_spectrum(path).mu, SMOOTH + 1)
    step_back = np.r_[0:100, 90 : len(ENERGY)]
    path.write_text("# energy mu\n" + rows(ENERGY[step_back], SMOOTH[step_back]))
    with pytest.warns(XafsflowWarning, match="10 energies repeat"):
        assert len(read_spectrum(path).energy) == len(ENERGY)


def test_read_spectrum__sums_the_corrected_elements_of_a_detector(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text(
        "# energy I0 FF1 FF2 FF1_corr FF2_corr\n" + rows(ENERGY, I0, IF * 0.8, IF * 0.7, IF, IF * 1.1)
    )
    np.testing.assert_allclose(read_spectrum(path).mu, IF * 2.1 / I0)
