"""What is already written of a folder, so that an interrupted run goes on where it was."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.files import sha256_of, write_atomically
from xafsflow.provenance import HISTORY

SUFFIX = ".bands"
# What zarr-python calls a file that it is writing.
UNFINISHED = "*.partial"


class Written:
    """The bands of rows that are complete in a folder: a line of JSON each, in a file beside it.

    A line is added after the band's arrays are written, so it stands for a whole band. Chunks carry a CRC-32C of their
    own: reading a band again tells whether it is still as it was.
    """

    def __init__(self, path: Path, bands: dict[int, Mapping[str, Any]]) -> None:
        self.path, self.bands = path, bands

    def __contains__(self, band: object) -> bool:
        return band in self.bands

    def add(self, band: int, sums: Mapping[str, Any]) -> None:
        """Note a band, with what is added up over bands."""
        packed = {name: _packed(values) for name, values in sums.items()}
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"band": band, "sums": packed}) + "\n")
        self.bands[band] = packed

    def sums(self, band: int) -> dict[str, Any]:
        """What was noted with a band, bit for bit."""
        return {name: _unpacked(packed) for name, packed in self.bands[band].items()}


def beside(folder: Path) -> Path:
    """The file that tells what is written of a folder."""
    return folder.with_name(folder.name + SUFFIX)


def begin(folder: Path, plan: Mapping[str, Any]) -> Written:
    """Note what will be written, once the empty arrays are there.

    Parameters
    ----------
    folder
        Of the arrays.
    plan
        All that decides on the bytes: what of, shapes, types, bands.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     arrays = Path(folder, "arrays")
    ...     begin(arrays, {"bands": 3}).add(1, {"total": np.arange(3)})
    ...     again = take_up(arrays, {"bands": 3})
    ...     0 in again, 1 in again, again.sums(1)["total"].tolist(), take_up(arrays, {"bands": 4})
    (False, True, [0, 1, 2], None)
    """
    path = beside(folder)
    write_atomically(path, json.dumps({"plan": plan}, default=str) + "\n")
    return Written(path, {})


def take_up(folder: Path, plan: Mapping[str, Any]) -> Written | None:
    """What an interrupted run left there, or None if that is nothing, or was to become something else."""
    path = beside(folder)
    lines = _lines(path)
    if not lines or lines[0].get("plan") != json.loads(json.dumps(plan, default=str)):
        return None
    # A line that was cut off goes, and so do files that were being written.
    write_atomically(path, "".join(json.dumps(line) + "\n" for line in lines))
    for unfinished in folder.rglob(UNFINISHED):
        unfinished.unlink()
    return Written(path, {line["band"]: line["sums"] for line in lines[1:]})


def run_identity(run: Path, cube: xr.Dataset) -> str:
    """Digest of all that a cube of an unfinished run comes from: recipe, sources, version, steps; empty without a run.

    Parameters
    ----------
    run
        The folder with `run.json`.
    cube
        Its history counts.
    """
    try:
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if record.get("state") != "unfinished":
        return ""
    told = [record.get(key) for key in ("recipe_digest", "data", "references", "version", "inputs")]
    return sha256_of(json.dumps([*told, {str(n): a.attrs.get(HISTORY) for n, a in cube.data_vars.items()}]))


def clear(folder: Path) -> None:
    """Remove what cannot be gone on with."""
    if folder.exists():
        shutil.rmtree(folder)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of the file; the last one may have been cut off."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return [line for line in found if isinstance(line, dict)]


def _packed(values: Any) -> dict[str, Any]:
    array = np.ascontiguousarray(values)
    data = base64.b64encode(array.tobytes()).decode("ascii")
    return {"shape": list(np.shape(values)), "dtype": array.dtype.str, "data": data}


def _unpacked(packed: Mapping[str, Any]) -> Any:
    data = np.frombuffer(base64.b64decode(packed["data"]), packed["dtype"])
    return data.reshape(packed["shape"]).copy()
