"""Files that are no patterns, or mean harm: an InputError that says what is wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns import read_pattern, safe_files

BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def refused(path: Path, content: str | bytes, match: str) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=match) as caught:
        read_pattern(path)
    assert caught.value.action


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ("10 1\n11 2\n12 3\n13 4\n", "4 points. Expected 5 or more"),
        ("10 1\n", "1 points"),
        ("10 1\n11 2\n11 3\n12 4\n13 4\n14 5\n", "angle 11 after 11 at point 3"),
        ("14 1\n13 2\n12 3\n11 4\n10 5\n", "angle 13 after 14"),
        ("10 1\n11 nan\n12 3\n13 4\n14 5\n", "counts nan at point 2"),
        ("10 1\n11 1e40\n12 3\n13 4\n14 5\n", r"counts 1e\+40 at point 2"),
        ("10 1\n11 2 3\n12 3\n13 4\n14 5\n", "line 2: '11 2 3'. Expected 2 numbers"),
        ("10 1\n11 2\nend of scan\n12 3\n13 4\n14 5\n", "line 3: 'end of scan'"),
        ("0 1\n100 2\n200 3\n300 4\n400 5\n", "angles 2 theta in degrees"),
        ("7100 1\n7101 2\n7102 3\n7103 4\n7104 5\n", "energies, times and channels"),
        ("10 0\n11 0\n12 0\n13 0\n14 0\n", "without counts above 0"),
        ("10\n11\n12\n13\n14\n", "without two columns"),
        ("wavelength 25.0\n10 1\n11 2\n12 3\n13 4\n14 5\n", "the wavelength 25 .*between 0.05 and 10"),
        ("no numbers at all\n", "without two columns"),
    ],
)
def test_columns__that_are_no_pattern(tmp_path: Path, rows: str, match: str) -> None:
    refused(tmp_path / "a.xy", rows, match)


def test_empty_binary_and_missing_files(tmp_path: Path) -> None:
    refused(tmp_path / "a.xy", b"", "no known format")
    refused(tmp_path / "a.xrdml", b"", "of 0 bytes")
    refused(tmp_path / "a.xy", b"\x00\x01\x02" * 50, "no known format")
    refused(tmp_path / "a.xy", b"10 1\n" * 2000 + b"\0", "binary")
    refused(tmp_path / "a.xy", b"\xff\xfe1", "binary")
    refused(tmp_path / "a.ras", "*RAS_DATA_START\n*RAS_INT_START\n*RAS_INT_END\n", "without points")
    refused(tmp_path / "a.raw", b"RAW1.01\0" + bytes(400), "no known format of patterns")
    refused(tmp_path / "a.chi", "LaB6\n2-Theta Angle (Degrees)\n", "without a number of points")
    for name in ("b.xy", "a\0b"):
        with pytest.raises(InputError, match="a readable file"):
            read_pattern(tmp_path / name)


def test_files_that_are_too_large__are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_files, "MAX_BYTES", 20)
    refused(tmp_path / "a.xy", "10 1\n" * 5, "of 25 bytes. Expected 1 to 20")


def test_doctype__is_refused_before_anything_grows(made: SimpleNamespace, tmp_path: Path) -> None:
    refused(tmp_path / "a.xrdml", made.xrdml(before=BOMB), "with a DOCTYPE")
    for path in (
        made.brml(tmp_path / "a.brml", made.raw_data(before=BOMB)),
        made.rasx(tmp_path / "a.rasx", BOMB + made.conditions()),
    ):
        with pytest.raises(InputError, match="with a DOCTYPE"):
            read_pattern(path)


def test_zip_bomb__is_not_unpacked(made: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "a.rasx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("Data0/Profile0.txt", b"10 1 1\n" * ((safe_files.MAX_BYTES // 7) + 2))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(InputError, match="of more than"):
        read_pattern(path)
    with zipfile.ZipFile(path, "w") as file:
        for n in range(safe_files.MAX_MEMBERS + 1):
            file.writestr(f"Data{n}/Profile{n}.txt", "")
    with pytest.raises(InputError, match="1001 files in it"):
        read_pattern(path)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("</xrdMeasurements>", "", "no element found"),
        ("scan", "Scan", "without a scan"),
        ("intensities", "counted", "without `intensities` or `counts`"),
        ('axis="2Theta"', 'axis="Time"', "positions of Time, 2Theta not among"),
        ('unit="deg"', 'unit="seconds"', "2Theta in 'seconds'"),
        ("<endPosition>23.5</endPosition>", "", "without positions"),
        ("20.0", "twenty", "'twenty'. Expected a number"),
        ("200", "2,00", "'2,00'. Expected finite numbers"),
        ('<kAlpha1 unit="Angstrom">1.788996', "<kAlpha1>178.8996", "wavelength 178.9"),
        (">1.792835", ">0.71", "lines 1.789 and 0.71 Angstrom"),
        (">0.5<", ">5<", "ratio 5 of K alpha 2"),
        ("<intensities", "<commonCountingTime>0</commonCountingTime><intensities", "the counting time 0"),
        ("23.5", "1e40", "'1e40'. Expected a number"),
        ("UTF-8", "klingon", "unknown encoding"),
    ],
)
def test_xrdml__that_is_wrong(made: SimpleNamespace, tmp_path: Path, old: str, new: str, match: str) -> None:
    text = made.xrdml()
    assert old in text
    refused(tmp_path / "a.xrdml", text.replace(old, new), match)


def test_xml__that_is_nested_without_end(tmp_path: Path) -> None:
    refused(tmp_path / "a.xrdml", "<xrdMeasurements>" * 5000, "101 deep")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: text[:-40], "without \\*RAS_INT_END"),
        (lambda text: text.replace("*RAS_INT_START", "*DATA"), "without a scan"),
        (lambda text: text.replace("21.0000 50.0000 1.0000\r\n", ""), "7 points. Expected 8"),
        (lambda text: text.replace("21.0000 50.0000", "21.0000"), "point 3: '21.0000 1.0000'"),
        (lambda text: text.replace("21.0000 50", "21,0000 50"), "'21,0000'. Expected finite numbers"),
        (lambda text: text.replace('A1 "1.5', 'A1 "one'), "a number"),
    ],
)
def test_ras__that_is_wrong(
    made: SimpleNamespace, tmp_path: Path, change: Callable[[str], str], match: str
) -> None:
    refused(tmp_path / "a.ras", change(made.ras()), match)


def test_zips__that_are_wrong(made: SimpleNamespace, tmp_path: Path) -> None:
    raw = made.rasx(tmp_path / "whole.rasx").read_bytes()
    refused(tmp_path / "a.rasx", raw[: len(raw) // 2], "a whole zip")
    with zipfile.ZipFile(tmp_path / "a.brml", "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("Experiment0/RawData0.xml", made.raw_data())
    with pytest.raises(InputError, match="compression method 12"):
        read_pattern(tmp_path / "a.brml")
    with zipfile.ZipFile(tmp_path / "a.brml", "w") as file:
        file.writestr("other.xml", "<a/>")
    with pytest.raises(InputError, match=r"without RawData0\.xml"):
        read_pattern(tmp_path / "a.brml")
    with pytest.raises(InputError, match=r"8 points\. Expected 9"):
        read_pattern(made.rasx(tmp_path / "a.rasx", made.conditions(count=9)))
    for old, new, match in (
        ("Datum>", "Data>", "without <Datum>"),
        ("21,50<", "21<", "point 3: '1,1,7,21'"),
        ("21,50<", "21,5O<", "'5O'. Expected finite numbers"),
        ('Alpha2 Unit="Å"', 'Alpha2 Unit="nm"', "WaveLengthAlpha2 in 'nm'"),
    ):
        with pytest.raises(InputError, match=match):
            read_pattern(made.brml(tmp_path / "a.brml", made.raw_data().replace(old, new)))
    views = made.raw_data().replace('Start="4" Length="1"', 'Start="4" Length="192"')
    with pytest.raises(InputError, match="192 channels at every point"):
        read_pattern(made.brml(tmp_path / "a.brml", views))
    views = made.raw_data().replace('Start="4"', 'Start="40"')
    with pytest.raises(InputError, match="counts at 41"):
        read_pattern(made.brml(tmp_path / "a.brml", views))


@pytest.mark.parametrize("suffix", ["xrdml", "ras", "rasx", "brml", "xy", "chi"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files__are_read_or_refused(
    made: SimpleNamespace, tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix in ("rasx", "brml"):
        (made.rasx if suffix == "rasx" else made.brml)(path)
    else:
        whole = {"xrdml": made.xrdml, "ras": made.ras, "xy": made.columns, "chi": made.chi}[suffix]
        path.write_text(whole(), encoding="utf-8")
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.sampled_from(list(b'0123456789eE.-,<>/ \n*"\0\xff')) | st.integers(0, 255))
    end = data.draw(st.integers(0, len(raw)) | st.just(len(raw)))
    path.write_bytes(bytes(raw[:end]))
    try:
        found = read_pattern(path)
    except InputError:
        return
    assert np.isfinite(found.counts).all()
    assert (np.diff(found.two_theta) > 0).all()
