"""Measured patterns: right values of real files, and small files of each format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.patterns import read_pattern
from xafsflow.io.readers.patterns.told_wavelength import light_in

COBALT = (1.788996 + 0.5 * 1.792835) / 1.5


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def told_lines(right: dict[str, object]) -> list[float]:
    """The alpha lines that the list of right values names, however it names them."""
    known = right.get("wavelengths_A") or right.get("wavelength_A") or {}
    if isinstance(known, list):
        return [float(known[0]), float(known[2])]
    assert isinstance(known, dict)
    return [float(value) for name, value in known.items() if "alpha" in name.lower()]


def test_measured_files__have_their_right_values(shared: Path) -> None:
    listed = json.loads((shared / "formats" / "index.json").read_text(encoding="utf-8"))["files"]
    files = [one for one in listed if one["path"].startswith("diffraction/")]
    assert len(files) >= 35
    for one in files:
        right, pattern = one["right"], read_pattern(shared / "formats" / one["path"])
        angle, counts = pattern.two_theta, pattern.counts
        most = int(np.argmax(counts))
        found = [len(counts), angle[0], angle[-1], (angle[-1] - angle[0]) / (len(angle) - 1)]
        found += [counts[0], counts[len(counts) // 2], counts[-1], angle[most], counts[most]]
        names = ("points", "two_theta_first", "two_theta_last", "step")
        names += ("counts_first", "counts_middle", "counts_last")
        wanted = [right[name] for name in names] + list(right["largest"].values())
        np.testing.assert_allclose(found, wanted, rtol=1e-6, err_msg=one["path"])
        assert sorted(pattern.lines.values()) == sorted(told_lines(right)), one["path"]
        assert (pattern.wavelength is None) == (pattern.source.suffix == ".xy")


@pytest.mark.parametrize("version", ["1.0", "1.5", "2.0", "2.3"])
def test_xrdml__of_any_version_has_both_lines_and_their_mean(
    made: SimpleNamespace, tmp_path: Path, version: str
) -> None:
    found = read_pattern(written(tmp_path / "a.xrdml", made.xrdml(version=version)))
    np.testing.assert_allclose(found.two_theta, made.angle)
    np.testing.assert_array_equal(found.counts, made.counts)
    assert found.wavelength == pytest.approx(COBALT)
    assert dict(found.lines) == {"Ka1": 1.788996, "Ka2": 1.792835}
    assert found.name == "a"


def test_xrdml__is_known_by_its_beginning_whatever_its_suffix_and_encoding(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    text = made.xrdml().replace("UTF-8", "UTF-16")
    assert read_pattern(written(tmp_path / "a.xml", text, "utf-16")).wavelength == pytest.approx(COBALT)


def test_xrdml__raw_counts_are_freed_of_the_attenuator_and_intensities_are_so_already(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    factors = np.where(made.counts > 40, 10.0, 1.0)
    told = f"<beamAttenuationFactors>{made.spaced(factors)}</beamAttenuationFactors>"
    for kind, wanted in (("counts", made.counts * factors), ("intensities", made.counts)):
        text = made.xrdml(made.xrdml_scan(values=told, counts=kind))
        np.testing.assert_array_equal(read_pattern(written(tmp_path / "a.xrdml", text)).counts, wanted)
    short = "<beamAttenuationFactors>1 10</beamAttenuationFactors>"
    text = made.xrdml(made.xrdml_scan(values=short, counts="counts"))
    with pytest.raises(InputError, match="8 counts and 2 beamAttenuationFactors"):
        read_pattern(written(tmp_path / "a.xrdml", text))


def test_xrdml__points_that_were_counted_longer_are_put_on_one_time(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    times = np.array([1.0] * 5 + [4.0] * 3)
    told = f'<countingTimes unit="seconds">{made.spaced(times)}</countingTimes>'
    found = read_pattern(written(tmp_path / "a.xrdml", made.xrdml(made.xrdml_scan(values=told))))
    np.testing.assert_allclose(found.counts, made.counts / times)


def test_xrdml__positions_may_be_a_list(made: SimpleNamespace, tmp_path: Path) -> None:
    uneven = made.angle + 0.01 * np.arange(8) ** 2
    text = made.xrdml(made.xrdml_scan(f"<listPositions>{made.spaced(uneven)}</listPositions>"))
    np.testing.assert_allclose(read_pattern(written(tmp_path / "a.xrdml", text)).two_theta, uneven)


def test_scans__over_the_same_angles_are_summed_and_others_chosen(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.xrdml", made.xrdml(made.xrdml_scan(), made.xrdml_scan()))
    with pytest.warns(XafsflowWarning, match="sum of 2 scans over the same angles"):
        found = read_pattern(path)
    np.testing.assert_array_equal(found.counts, 2 * made.counts)
    assert len(found.scans) == 2
    other = made.xrdml_scan("<startPosition>40</startPosition><endPosition>75</endPosition>")
    written(path, made.xrdml(made.xrdml_scan(), other))
    with pytest.raises(
        InputError, match=r"2 scans that differ .*2: measurement 1, scan 2 \(Gonio\), 40 to 75"
    ):
        read_pattern(path)
    assert read_pattern(path, 2).two_theta[-1] == 75
    with pytest.raises(InputError, match="scan 3 of"):
        read_pattern(path, 3)


def test_scan_of_the_sample__is_refused_and_does_not_hinder_another(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    omega = made.xrdml_scan("<commonPosition>30</commonPosition>", axis="Omega")
    path = written(tmp_path / "a.xrdml", made.xrdml(omega, made.xrdml_scan()))
    with pytest.raises(InputError, match="2Theta not among those that change"):
        read_pattern(path)
    np.testing.assert_array_equal(read_pattern(path, 2).counts, made.counts)


@pytest.mark.parametrize(
    ("kind", "wavelength"), [("Ka", (1.540593 + 0.5 * 1.544414) / 1.5), ("Ka1", 1.540593)]
)
def test_ras__counts_are_freed_of_the_attenuator(
    made: SimpleNamespace, tmp_path: Path, kind: str, wavelength: float
) -> None:
    factor = np.where(made.counts > 40, 7.5, 1.0)
    found = read_pattern(written(tmp_path / "a.ras", made.ras(kind=kind, factor=factor), "latin-1"))
    np.testing.assert_allclose(found.counts, made.counts * factor)
    assert found.wavelength == pytest.approx(wavelength, abs=1e-9)
    assert len(found.lines) == 2


def test_ras__with_two_scans_is_summed(made: SimpleNamespace, tmp_path: Path) -> None:
    path = written(tmp_path / "a.ras", made.ras(scans=2))
    with pytest.warns(XafsflowWarning, match="sum of 2 scans"):
        assert read_pattern(path).counts.max() == 400
    assert read_pattern(path, 2).counts.max() == 200


def test_rasx__has_its_profile_and_light(made: SimpleNamespace, tmp_path: Path) -> None:
    found = read_pattern(made.rasx(tmp_path / "a.rasx", factor=2.0))
    np.testing.assert_allclose(found.counts, 2 * made.counts)
    assert found.wavelength == pytest.approx(0.710747, abs=1e-6)
    assert read_pattern(made.rasx(tmp_path / "a.zip")).source.name == "a.zip"
    with pytest.warns(XafsflowWarning, match="sum of 2 scans"):
        assert read_pattern(made.rasx(tmp_path / "b.rasx", scans=2)).counts.max() == 400


def test_scan_of_a_zip__is_chosen_by_its_number(made: SimpleNamespace, tmp_path: Path) -> None:
    assert read_pattern(made.rasx(tmp_path / "a.rasx", scans=2), 2).scans == ("Data1/Profile1",)
    path = made.brml(tmp_path / "a.brml", made.raw_data("Phi"), made.raw_data())
    assert read_pattern(path, 2).scans == ("RawData1 (2Theta-Omega)",)
    with pytest.raises(InputError, match="a scan over Phi"):
        read_pattern(path)


def test_silent_formats__tell_no_wavelength(made: SimpleNamespace, tmp_path: Path) -> None:
    assert read_pattern(written(tmp_path / "a.xrdml", made.xrdml(light=""))).wavelength is None
    assert read_pattern(made.rasx(tmp_path / "a.rasx", "<a/>")).wavelength is None
    silent = made.raw_data().replace("WaveLengthAlpha", "Other")
    assert read_pattern(made.brml(tmp_path / "a.brml", silent)).wavelength is None
    latin = made.columns(header="# Messung bei 20 °C\n")
    assert read_pattern(written(tmp_path / "a.xy", latin, "latin-1")).wavelength is None


@pytest.mark.parametrize("described", [True, False])
def test_brml__fields_are_those_that_it_describes(
    made: SimpleNamespace, tmp_path: Path, described: bool
) -> None:
    found = read_pattern(made.brml(tmp_path / "a.brml", made.raw_data(described=described)))
    np.testing.assert_array_equal(found.two_theta, made.angle)
    np.testing.assert_array_equal(found.counts, made.counts)
    assert found.wavelength == pytest.approx(1.5418633, abs=1e-6)
    assert found.scans == ("RawData0 (2Theta-Omega)",)


@pytest.mark.parametrize(
    ("axis", "suffix"),
    [("Omega", "ras"), ("Phi", "ras"), ("OmegaTwoTheta", "ras"), ("Omega", "rasx"), ("Phi", "brml")],
)
def test_scans_of_the_sample__are_refused_by_name(
    made: SimpleNamespace, tmp_path: Path, axis: str, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "ras":
        written(path, made.ras(axis))
    elif suffix == "rasx":
        made.rasx(path, made.conditions(axis))
    else:
        made.brml(path, made.raw_data(axis))
    with pytest.raises(InputError, match=f"a scan over '?{axis}"):
        read_pattern(path)


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", ", "])
@pytest.mark.parametrize(
    "header", ["", "# a comment\n", "2theta counts\n", "! one\n; two\n'three four five\n\n"]
)
def test_columns__with_any_separator_and_header(
    made: SimpleNamespace, tmp_path: Path, separator: str, header: str
) -> None:
    found = read_pattern(written(tmp_path / "a.xy", made.columns(separator, header)))
    np.testing.assert_array_equal(found.two_theta, made.angle)
    np.testing.assert_array_equal(found.counts, made.counts)
    assert found.wavelength is None


@pytest.mark.parametrize("separator", [" ", "\t", ";"])
def test_columns__may_have_decimal_commas(made: SimpleNamespace, tmp_path: Path, separator: str) -> None:
    header = "# Winkel Impulse\n# Wellenlaenge, wavelength: 1,5406\n"
    found = read_pattern(written(tmp_path / "a.dat", made.columns(separator, header, comma=True)))
    np.testing.assert_array_equal(found.two_theta, made.angle)
    np.testing.assert_array_equal(found.counts, made.counts)
    assert found.wavelength == 1.5406


def test_columns__are_found_by_name_and_errors_left_out(tmp_path: Path) -> None:
    rows = "\n".join(f"{k} {10 + k}.5 {k}.25 {100 + k} {k % 3}" for k in range(6))
    found = read_pattern(written(tmp_path / "a.txt", f"#index, 2th_deg, sigma, I_obs, bkg\n{rows}\n"))
    assert found.two_theta[0] == 10.5
    assert found.counts[-1] == 105
    with pytest.raises(InputError, match="5 columns without names"):
        read_pattern(written(tmp_path / "a.txt", rows))


@pytest.mark.parametrize(
    "name", ["Q (1/A)", "q_A^-1", "Time (s)", "Energy", "d", "Omega", "theta", "2th_rad", "r_mm"]
)
def test_columns__over_something_else_are_refused_by_name(
    made: SimpleNamespace, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InputError, match=f"over '{re.escape(name)}'.*Export the pattern over 2 theta"):
        read_pattern(written(tmp_path / "a.csv", made.columns(",", f"{name},counts\n")))


def test_scan_axis__in_words_of_a_header_is_heeded(made: SimpleNamespace, tmp_path: Path) -> None:
    header = (
        "Scan axis,{}\nK-Alpha1 wavelength,1.54060\nK-Alpha2 wavelength,1.54443\n"
        "Ratio K-Alpha2/K-Alpha1,0.25000\nAngle,Intensity\n"
    )
    found = read_pattern(written(tmp_path / "a.csv", made.columns(",", header.format("Gonio"))))
    assert found.wavelength == pytest.approx((1.5406 + 0.25 * 1.54443) / 1.25)
    with pytest.raises(InputError, match="a scan over 'Omega'"):
        read_pattern(written(tmp_path / "a.csv", made.columns(",", header.format("Omega"))))


def test_chi__is_over_two_theta(made: SimpleNamespace, tmp_path: Path) -> None:
    for name in ("a.chi", "a.txt"):
        found = read_pattern(written(tmp_path / name, made.chi(title="LaB6, lambda = 0.4133 A")))
        np.testing.assert_array_equal(found.counts, made.counts)
        assert found.wavelength == 0.4133
    for axis in (
        "Q Angle (1/Angstrom)",
        "Azimuthal Angle (Degrees)",
        "2-Theta Angle (Radians)",
        "Radial Distance (mm)",
    ):
        with pytest.raises(InputError, match=re.escape(axis)):
            read_pattern(written(tmp_path / "a.chi", made.chi(axis)))
    with pytest.raises(InputError, match=r"8 points\. Expected 9"):
        read_pattern(written(tmp_path / "a.chi", made.chi(count=9)))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Wavelength: 1.5406", {"wavelength": 1.5406}),
        ("# wavelength (A) = 0.4133", {"wavelength": 0.4133}),
        ("# Wavelength [nm]: 0.15406", {"wavelength": 1.5406}),
        ("# Wavelength: 7.0932e-11 m", {"wavelength": 0.70932}),
        ("lambda=154.06 pm", {"wavelength": 1.5406}),
        ("wave_length CoKa1", {"wavelength": 1.788996}),
        ("wavelength = Cu K-alpha1 (1.5406 A)", {"wavelength": 1.540593}),
        ("_diffrn_radiation_wavelength 0.61992", {"wavelength": 0.61992}),
        (";WaveLength1 = 1.54059 WaveLength2 = 1.54441", {"Ka1": 1.54059, "Ka2": 1.54441}),
        ("K-Alpha1 wavelength, 1.54060", {"Ka1": 1.5406}),
        ("*HW_XG_WAVE_LENGTH_ALPHA1 1.540593", {"Ka1": 1.540593}),
        ("alpha1 wavelength 1.5406, alpha2 wavelength 1.54439", {"Ka1": 1.5406, "Ka2": 1.54439}),
        ("wavelength 1.2", {"wavelength": 1.2}),
        ("Wavelength: Cu Kα 1.5418", {"wavelength": (2 * 1.540593 + 1.544427) / 3}),
        ("K-Beta wavelength, 1.39222", {}),
        ("contamination by lambda/2", {}),
        ("anode Cu at 40 kV and 1.5 mA", {}),
    ],
)
def test_words_of_a_header__tell_the_wavelength(line: str, told: dict[str, float]) -> None:
    assert dict(light_in([line], "a.xy").lines) == pytest.approx(told)


def test_two_wavelengths__in_one_header_are_an_error_that_shows_both() -> None:
    with pytest.raises(InputError, match=r"1\.5406 and 0\.7093 Angstrom"):
        light_in(["wavelength 1.5406", "lambda 0.7093"], "a.xy")
