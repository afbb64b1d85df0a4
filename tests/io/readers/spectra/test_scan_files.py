"""SPEC, 9809 and HDF5, written here and compared with what was written."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import read_spectra, read_spectrum
from xafsflow.io.readers.spectra import hdf5_spectra

ENERGY = 7000.0 + np.arange(60) * 5.0
MU = 1 / (1 + np.exp(-(ENERGY - 7112) / 3)) + 0.2
I0 = np.linspace(1e5, 9e4, 60)


def spec_scan(number: int, command: str, columns: dict[str, np.ndarray]) -> str:
    rows = "\n".join(" ".join(map(repr, row)) for row in np.column_stack(list(columns.values())).tolist())
    return f"#S {number}  {command}\n#D Thu Jul 17\n#N {len(columns)}\n#L {'  '.join(columns)}\n{rows}\n\n"


def test_read_spectrum__takes_the_one_scan_over_the_energy_of_a_spec_file(tmp_path: Path) -> None:
    path = tmp_path / "scans.spec"
    motor = {"eta": np.arange(60) / 100, "H": np.ones(60), "Epoch": np.arange(60.0), "I0": I0}
    energy = {
        "mono energy": ENERGY / 1000,
        "Seconds": np.ones(60),
        "I0": I0,
        "I 1": I0 * np.exp(-MU),
        "It": I0 * np.exp(-MU),
    }
    mca = "@A 0 1 2\\\n 3 4 5\\\n 6 7\n"
    text = (
        "#F run12\n#E 1058427452\n#D Thu\n#O0 delta  eta\n\n"
        + spec_scan(1, "ascan eta", motor)
        + spec_scan(2, "Escan", energy)
    )
    path.write_text(text.replace("#S 2", mca + "#S 2"))
    with pytest.warns(XafsflowWarning, match="keV"):
        spectrum = read_spectrum(path)
    np.testing.assert_allclose(spectrum.energy, ENERGY)
    np.testing.assert_allclose(spectrum.mu, MU)
    assert (spectrum.name, spectrum.columns) == ("scans 2", ("mono energy", "I0", "It"))
    with pytest.raises(InputError, match="column energy or angle"):
        read_spectrum(path, entry="1")


def test_read_spectrum__refuses_a_spec_file_of_motor_scans_and_asks_which_of_two(tmp_path: Path) -> None:
    path = tmp_path / "scans.spec"
    motor = {"energy": np.full(60, 7112.0), "I0": I0, "It": I0 * np.exp(-MU)}
    scan = {"energy": ENERGY, "I0": I0, "It": I0 * np.exp(-MU)}
    path.write_text(spec_scan(1, "loopscan", motor) + spec_scan(2, "loopscan", motor))
    with pytest.raises(InputError, match=r"2 entries \(1, 2\), none of them over the energy"):
        read_spectrum(path)
    path.write_text(
        spec_scan(7, "Escan", scan) + spec_scan(7, "Escan", scan) + spec_scan(8, "loopscan", motor)
    )
    with pytest.raises(
        InputError, match=r"2 scans of the energy: 7 \(7000.0 to 7295.0 eV\); 7\.2 .*entry: 7"
    ):
        read_spectrum(path)
    assert [one.name for one in read_spectra(path)] == ["scans 7", "7.2"]
    path.write_text(spec_scan(7, "Escan", scan).replace("7100.0 ", "7100.0 x "))
    with pytest.raises(InputError, match=r"scan 7, line 25: '7100.0 x .*Expected 3 numbers"):
        read_spectrum(path)
    for empty in ("#S 1 ascan\n#L energy  mu\n", "#F run\n#E 1\n#S x\n7100 1\n"):
        path.write_text(empty)
        with pytest.raises(InputError, match="without a scan with data"):
            read_spectrum(path)


SPACING = 3.13551


def photon_factory(modes: str, spacing: float = SPACING, offsets: str = "0 0 100.0 50.0") -> str:
    angle = np.degrees(np.arcsin(12398.419843320026 / (2 * SPACING * ENERGY)))
    time = np.where(ENERGY > 7150, 2.0, 1.0)
    counts = (I0 * time + 100 * time, I0 * np.exp(-MU) * time + 50 * time)
    rows = [
        f"{a + 0.01:10.5f}{a:12.8f}{t:10.2f}{c:14.3f}{d:14.3f}"
        for a, t, c, d in zip(angle, time, *counts, strict=True)
    ]
    return (
        "  9809     KEK-PF   BL9A\n Fe foil\n\n"
        f" Mono :   Si(111)       D=  {spacing} A    Initial angle= 13.93250 deg\n"
        " BL9A      Transmission( 2)   Repetition=  1     Points= 60\n Block      Init-Eng  Final-Eng\n"
        "     1        7000.00   7295.00         5.00       1.00        60\n Ortec( 0)     NDCH = 2\n"
        "  Angle(c)  Angle(o)    time/s         1         2\n"
        f"      Mode         0         0         {modes}\n    Offset         {offsets}\n"
        + "\n".join(rows)
        + "\n\n"
    )


def test_read_spectrum__reads_9809_with_its_spacing_modes_and_dark_counts(tmp_path: Path) -> None:
    path = tmp_path / "scan.dat"
    path.write_text(photon_factory("1 2"))
    spectrum = read_spectrum(path)
    np.testing.assert_allclose(spectrum.energy, ENERGY, rtol=1e-8)
    np.testing.assert_allclose(spectrum.mu, MU, atol=1e-5)
    assert spectrum.columns == ("energy", "i0", "it")
    path.write_text(photon_factory("1 3"))
    with pytest.warns(XafsflowWarning, match="if/i0 has no clear edge"):
        falling = read_spectrum(path, mu="if/i0")
    np.testing.assert_allclose(falling.mu, np.exp(-MU), rtol=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (photon_factory("1 2", 3.1551), r"D= 3.1551 A for Si\(111\). Expected 3.135. A"),
        (photon_factory("1 2").replace("D=", "d:"), "without D="),
        (photon_factory("1 2").replace("Mode", "none"), "modes missing"),
        (photon_factory("1 2").replace("100100.000", "100x00.000"), r"line 12: '100x00.000'"),
    ],
)
@pytest.mark.filterwarnings("ignore::xafsflow.errors.XafsflowWarning")
def test_read_spectrum__refuses_a_9809_file_that_contradicts_itself(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "scan.dat"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_spectrum(path)


def nxxas(file: h5py.File, name: str, scale: float) -> None:
    entry = file.create_group(name)
    entry["definition"] = "NXxas"
    entry["energy"] = ENERGY / 1000
    entry["energy"].attrs["units"] = "keV"
    entry["intensity"] = MU * scale
    entry["element/symbol"], entry["edge/name"] = "Fe", "K"


@pytest.mark.filterwarnings("ignore::xafsflow.errors.XafsflowWarning")
def test_read_spectrum__reads_nxxas_entries_and_other_groups_of_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        nxxas(file, "one", 1.0)
        nxxas(file, "two", 2.0)
    with pytest.raises(InputError, match=r"2 scans of the energy: /one \(Fe K, 7000.0 to 7295.0 eV\)"):
        read_spectrum(path)
    spectrum = read_spectrum(path, entry="two")
    np.testing.assert_allclose(spectrum.energy, ENERGY)
    np.testing.assert_array_equal(spectrum.mu, 2 * MU)
    assert (spectrum.element, spectrum.edge) == ("Fe", "K")
    assert [one.name for one in read_spectra(path)] == ["one", "two"]
    with h5py.File(path, "w") as file:
        for key, column in {
            "energy_enc": ENERGY,
            "I0": I0,
            "I1": I0 * np.exp(-MU),
            "name": np.arange(3),
        }.items():
            file[f"1.1/measurement/{key}"] = column
        file["1.1/image"] = np.zeros((4, 4))
    bliss = read_spectrum(path)
    assert bliss.name == "1.1/measurement"
    np.testing.assert_allclose(bliss.mu, MU)
    assert bliss.columns == ("energy_enc", "I0", "I1")


def test_read_spectrum__reads_datasets_at_the_root_of_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "foil.h5"
    with h5py.File(path, "w") as file:
        file["energy"], file["ion 1"], file["ion 2"] = ENERGY, I0, I0 * np.exp(-MU)
    spectrum = read_spectrum(path, mu="ln('ion 1'/'ion 2')")
    np.testing.assert_allclose(spectrum.mu, MU)
    assert spectrum.name == "foil"


def test_read_spectrum__refuses_hdf5_without_columns_and_with_too_many_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["image"] = np.zeros((4, 4))
        file["link"] = h5py.ExternalLink("other.h5", "/energy")
    with pytest.raises(InputError, match="without columns of one length"):
        read_spectrum(path)
    with h5py.File(path, "w") as file:
        file.create_group("a/b/c/d/e")
    monkeypatch.setattr(hdf5_spectra, "MOST_OBJECTS", 3)
    with pytest.raises(InputError, match="with 3 objects or more"):
        read_spectrum(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="HDF5 that cannot be read"):
        read_spectrum(path)
