"""Small files of each format, written by hand."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ANGLE = np.round(20 + 0.5 * np.arange(8), 4)
COUNTS = np.array([3.0, 4, 50, 200, 60, 5, 2, 1])


def spaced(values: Sequence[float] | np.ndarray) -> str:
    return " ".join(f"{value:g}" for value in values)


def xrdml_scan(
    positions: str | None = None, values: str = "", axis: str = "Gonio", counts: str = "intensities"
) -> str:
    two_theta = positions or (
        f"<startPosition>{ANGLE[0]}</startPosition><endPosition>{ANGLE[-1]}</endPosition>"
    )
    return (
        f'<scan scanAxis="{axis}"><dataPoints><positions axis="2Theta" unit="deg">{two_theta}</positions>'
        f'{values}<{counts} unit="counts">{spaced(COUNTS)}</{counts}></dataPoints></scan>'
    )


def xrdml(*scans: str, version: str = "1.5", light: str | None = None, before: str = "") -> str:
    used = (
        light
        if light is not None
        else (
            '<usedWavelength intended="K-Alpha"><kAlpha1 unit="Angstrom">1.788996</kAlpha1>'
            "<kAlpha2>1.792835</kAlpha2><ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1></usedWavelength>"
        )
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        f'<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/{version}">'
        f"<xrdMeasurement>{used}{''.join(scans or (xrdml_scan(),))}</xrdMeasurement></xrdMeasurements>"
    )


def ras(
    axis: str = "TwoThetaTheta", kind: str = "Ka", factor: Sequence[float] | None = None, scans: int = 1
) -> str:
    factors = np.ones(len(ANGLE)) if factor is None else np.asarray(factor)
    one = [
        "*RAS_HEADER_START",
        '*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"',
        '*HW_XG_WAVE_LENGTH_ALPHA2 "1.544414"',
        f'*MEAS_COND_XG_WAVE_TYPE "{kind}"',
        f'*MEAS_DATA_COUNT "{len(ANGLE)}"',
        f'*MEAS_SCAN_AXIS_X_INTERNAL "{axis}"',
        "*RAS_HEADER_END",
        "*RAS_INT_START",
        *(f"{a:.4f} {c:.4f} {f:.4f}" for a, c, f in zip(ANGLE, COUNTS, factors, strict=True)),
        "*RAS_INT_END",
    ]
    return "\r\n".join(["*RAS_DATA_START", *one * scans, "*RAS_DATA_END", ""])


def conditions(axis: str = "TwoTheta", kind: str = "Ka", count: int = len(ANGLE)) -> str:
    return (
        f"<MeasurementConditions><HWConfigurations><XrayGenerator><WaveType>{kind}</WaveType>"
        "<WavelengthKalpha1>0.709317</WavelengthKalpha1><WavelengthKalpha2>0.713607</WavelengthKalpha2>"
        f"</XrayGenerator></HWConfigurations><ScanInformation><AxisName>{axis}</AxisName>"
        f"<DataCount>{count}</DataCount></ScanInformation></MeasurementConditions>"
    )


def rasx(path: Path, told: str | None = None, factor: float = 1.0, scans: int = 1) -> Path:
    profile = "".join(f"{a:.4f}\t{c:g}\t{factor:g}\r\n" for a, c in zip(ANGLE, COUNTS, strict=True))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for n in range(scans):
            file.writestr(f"Data{n}/Profile{n}.txt", "\ufeff" + profile)
            file.writestr(f"Data{n}/MesurementConditions{n}.xml", told or conditions())
    return path


def raw_data(axis: str = "TwoTheta", described: bool = True, before: str = "") -> str:
    data = "".join(f"<Datum>1,1,7,{a:g},{c:g}</Datum>" for a, c in zip(ANGLE, COUNTS, strict=True))
    views = (
        '<DataViews><RawDataView Start="2" Length="2"><Varying><FieldDefinitions FieldName="Theta"/>'
        f'<FieldDefinitions FieldName="{axis}"/></Varying></RawDataView>'
        '<RawDataView Start="4" Length="1"><Recording/></RawDataView></DataViews>'
    )
    if not described:
        views = ""
        data = "".join(
            f"<Datum>1,1,{a:g},{a / 2:g},{c:g}</Datum>" for a, c in zip(ANGLE, COUNTS, strict=True)
        )
    return (
        f'{before}<RawData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><DataRoutes>'
        f'<DataRoute RouteFlag="Measured"><ScanInformation VisibleName="2Theta-Omega"><ScanAxes>'
        f'<ScanAxisInfo AxisId="{axis}"/></ScanAxes></ScanInformation>{data}{views}</DataRoute></DataRoutes>'
        '<WaveLengthAlpha1 Unit="Å" Value="1.5406"/><WaveLengthAlpha2 Unit="Å" Value="1.54439"/>'
        '<WaveLengthRatio Unit="" Value="0.5"/></RawData>'
    )


def brml(path: Path, *members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("experimentCollection.xml", "<ExperimentCollection/>")
        for n, member in enumerate(members or (raw_data(),)):
            file.writestr(f"Experiment0/RawData{n}.xml", member)
    return path


def columns(separator: str = " ", header: str = "", comma: bool = False) -> str:
    lines = [separator.join(f"{v:.4f}" for v in pair) for pair in zip(ANGLE, COUNTS, strict=True)]
    text = "\n".join(lines) + "\n"
    return header + (text.replace(".", ",") if comma else text)


def chi(axis: str = "2-Theta Angle (Degrees)", count: int = len(ANGLE), title: str = "LaB6") -> str:
    return f"{title}\n{axis}\nIntensity\n       {count}\n" + columns("  ")


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """What writes small files of each format, and the angles and counts in them."""
    writers = (xrdml, xrdml_scan, ras, rasx, conditions, raw_data, brml, columns, chi, spaced)
    return SimpleNamespace(angle=ANGLE, counts=COUNTS, **{one.__name__: one for one in writers})
