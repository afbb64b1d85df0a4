"""Tables of simulated patterns that are larger than memory: Zarr version 3, written block by block."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.crystals.compounds import Compound
from xafsflow.crystals.pattern_table import (
    AS_USUAL,
    DISTURBED,
    Wanted,
    as_dataset,
    digest_of,
    sample_compound,
    sample_pattern,
    wanted_samples,
)
from xafsflow.crystals.powder_patterns import Disturbances, PatternSettings
from xafsflow.errors import InputError
from xafsflow.files import behind_link, refuse_links
from xafsflow.progress import ProgressCallback, no_progress

BLOCK = 256  # samples in a chunk: 2 MB of counts
HEADROOM = 1.3  # counts over what settings say of the highest peak: noise, and peaks that lie on each other


def write_patterns(
    folder: Path,
    types: Sequence[str] | int,
    per_type: int,
    *,
    background: Sequence[str] = (),
    per_background: int = 0,
    pattern: PatternSettings = AS_USUAL,
    disturbances: Disturbances = DISTURBED,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> xr.Dataset:
    """Write what `simulated_patterns` gives as Zarr, in blocks of samples, and open it lazily.

    A block is whole or not there: after a kill, the same call makes those that are missing, and the bytes are the same as
    without it. Memory is that of a block and of the texts. Counts are whole numbers of 16 bits where they fit.

    Parameters
    ----------
    folder
        Of the Zarr group; made if it is missing.
    types, per_type, background, per_background, pattern, disturbances, seed
        As for `simulated_patterns`.
    progress
        Called with the share that is done.

    Returns
    -------
    Dataset
        As `simulated_patterns` gives it, `mu` as a Dask array.

    Raises
    ------
    InputError
        The folder holds something else, or other patterns; or it is or holds a link.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place:
    ...     made = write_patterns(Path(place) / "library.zarr", ["rocksalt", "CsCl"], 3)
    ...     made.mu.shape, str(made.mu.dtype), int(made.mu[0].max()) > 100
    ((6, 4001), 'float32', True)
    """
    folder = behind_link(folder)
    wanted = list(wanted_samples(types, per_type, background, per_background))
    digest = digest_of(wanted, pattern, disturbances, seed)
    if folder.exists():
        _same_or_refuse(folder, digest)
    else:
        compounds = [sample_compound(one, disturbances, seed) for one in wanted]
        _prepare(folder, wanted, compounds, pattern, disturbances, digest)
    missing = missing_blocks(folder)
    if missing:
        counts = _group(folder, "r+")["mu"]
        for number, block in enumerate(missing):
            progress("patterns", number / len(missing))
            rows = wanted[block * BLOCK : (block + 1) * BLOCK]
            made = np.stack(
                [
                    sample_pattern(one, sample_compound(one, disturbances, seed), pattern, disturbances, seed)
                    for one in rows
                ]
            )
            counts[block * BLOCK : block * BLOCK + len(rows)] = made.astype(counts.dtype)
        progress("patterns", 1.0)
    return open_patterns(folder)


def open_patterns(folder: Path) -> xr.Dataset:
    """A table that `write_patterns` wrote; `mu` is read in blocks when it is computed.

    Raises
    ------
    InputError
        No such table, or one that is not complete.
    """
    missing = missing_blocks(folder)
    if missing:
        raise InputError(
            f"{folder}, {len(missing)} blocks of which are not written yet",
            "a complete table of patterns",
            "run again what wrote it: it goes on from there",
        )
    stored = xr.open_zarr(folder, chunks={}, consolidated=False)
    texts = {name: stored[name].load() for name in stored.data_vars if name != "mu"}
    for name, values in texts.items():
        if values.dtype.kind not in "biuf":
            stored[name] = values.copy(data=np.array(values.values.tolist(), str))
        else:
            stored[name] = values
    stored["mu"] = stored.mu.astype(np.float32)
    return stored


def missing_blocks(folder: Path) -> list[int]:
    """Numbers of the blocks that are not there yet."""
    count = -(-_group(folder)["mu"].shape[0] // BLOCK)
    return [block for block in range(count) if not (folder / "mu" / "c" / str(block) / "0").is_file()]


def _group(folder: Path, mode: Any = "r") -> Any:
    import zarr

    try:
        return zarr.open_group(str(folder), mode=mode, zarr_format=3)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder}: {error}", "patterns that write_patterns wrote", "give their folder"
        ) from error


def _same_or_refuse(folder: Path, digest: str) -> None:
    refuse_links(folder)
    found = _group(folder).attrs.get("digest")
    if found != digest:
        raise InputError(
            f"{folder} with other patterns" if found else f"{folder}, a Zarr group without patterns",
            "patterns of these types, settings and seed, or no folder",
            "give another folder",
        )


def _prepare(
    folder: Path,
    wanted: Sequence[Wanted],
    compounds: Sequence[Compound],
    pattern: PatternSettings,
    disturbances: Disturbances,
    digest: str,
) -> None:
    """Everything but the counts, in a folder that has its name when it is whole."""
    import zarr
    from zarr.codecs import ZstdCodec

    points = len(pattern.two_theta)
    blank = as_dataset(
        np.broadcast_to(np.float32(0), (len(wanted), points)), wanted, compounds, pattern, digest
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        group = zarr.open_group(str(temporary), mode="w", zarr_format=3, attributes=dict(blank.attrs))
        packed = ZstdCodec(level=1, checksum=True)
        for name, array in blank.variables.items():
            values = array.values
            texts = values.dtype.kind == "U"
            made = group.create_array(
                str(name),
                shape=values.shape,
                dtype=str if texts else _kind_of_counts(disturbances) if name == "mu" else values.dtype,
                chunks=(BLOCK, points) if name == "mu" else values.shape,
                dimension_names=[str(dim) for dim in array.dims],
                attributes=dict(array.attrs),
                compressors=packed,
                config={"write_empty_chunks": True},
            )
            if name != "mu":
                made[...] = values.astype(object) if texts else values
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _kind_of_counts(disturbances: Disturbances) -> str:
    """The smallest type that holds them."""
    if disturbances.counts is None:
        return "float32"
    highest = max(disturbances.counts) * (1 + max(disturbances.background) + max(disturbances.impurity))
    return "uint16" if HEADROOM * highest + 1000 < 2**16 else "uint32"
