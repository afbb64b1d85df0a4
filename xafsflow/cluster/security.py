"""Keys of a cluster: made for one run, known to nobody else.

A scheduler of Dask runs the code of whoever reaches it, so what this program starts asks for a key.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xafsflow.errors import InputError

COMM = "distributed.comm"


def temporary() -> Any:
    """Keys and certificate in memory, for one cluster.

    Raises
    ------
    InputError
        The package that makes them is missing.
    """
    from distributed.security import Security

    try:
        return Security.temporary()
    except ImportError as error:
        raise InputError(
            "no package `cryptography`",
            "this package, for the keys of the cluster",
            "run `pip install 'xafsflow[cluster]'`",
        ) from error


def write_keys(folder: Path) -> dict[str, Any]:
    """Write a key and a certificate; the settings of Dask that name them.

    Parameters
    ----------
    folder
        New; only its owner may enter it.

    Raises
    ------
    InputError
        The folder exists, or cannot be made.
    """
    security = temporary()
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}", "a new folder for keys", "choose another") from error
    certificate, key = (str(folder.resolve() / name) for name in ("certificate.pem", "key.pem"))
    for path, text in ((certificate, security.tls_ca_file), (key, security.tls_worker_key)):
        # Never readable by others, not even for the moment between creating and changing the mode.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    found: dict[str, Any] = {f"{COMM}.require-encryption": True, f"{COMM}.tls.ca-file": certificate}
    for role in ("scheduler", "worker", "client"):
        found |= {f"{COMM}.tls.{role}.cert": certificate, f"{COMM}.tls.{role}.key": key}
    return found


@contextlib.contextmanager
def keys(folder: Path) -> Iterator[Any]:
    """Keys in files of a new folder, for a cluster whose workers find them by their paths; then they go."""
    import dask
    from distributed.security import Security

    settings = write_keys(folder)
    try:
        with dask.config.set(settings):
            security = Security()
        yield security
    finally:
        shutil.rmtree(folder)
