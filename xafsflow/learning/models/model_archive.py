"""Arrays and a JSON text in one zip file, without pickles; equal content makes equal bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError

Array = NDArray[np.generic]
HEADER = "model.json"


def to_archive(header: Mapping[str, object], arrays: Mapping[str, Array]) -> bytes:
    """A file that `numpy.load` opens, too: `<name>.npy` for each array, and the header as JSON.

    Nothing in it depends on the hour, on the machine or on the order of the mappings.

    Examples
    --------
    >>> content = to_archive({"kind": "test"}, {"a/b": np.arange(3)})
    >>> content == to_archive({"kind": "test"}, {"a/b": np.arange(3)})
    True
    >>> from_archive(content)
    ({'kind': 'test'}, {'a/b': array([0, 1, 2])})
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(HEADER), json.dumps(header, sort_keys=True, allow_nan=False))
        for name, array in sorted(arrays.items()):
            one = io.BytesIO()
            # Version 1 of the format, which all of these fit: numpy may choose another one by default one day.
            np.lib.format.write_array(one, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), one.getvalue())
    return out.getvalue()


def from_archive(content: bytes) -> tuple[dict[str, object], dict[str, Array]]:
    """Header and arrays of a file that `to_archive` made.

    Raises
    ------
    InputError
        It holds something else.
    zipfile.BadZipFile, ValueError, OSError
        It is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        # What is packed might unfold to more than the memory holds.
        if HEADER not in archive.namelist() or any(one.compress_type for one in entries):
            raise InputError("it holds something else", "a model", "give a model that train.fit made")
        header = json.loads(archive.read(HEADER))
        arrays = {
            one.filename.removesuffix(".npy"): np.load(io.BytesIO(archive.read(one)), allow_pickle=False)
            for one in entries
            if one.filename != HEADER
        }
    return header, arrays
