"""Keys of a cluster: made for one run, known to nobody else.

A scheduler of Dask runs the code of whoever reaches it, so the schedulers that this program starts ask for a key.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xafsflow.errors import InputError

if TYPE_CHECKING:
    from distributed.security import Security

COMM = "distributed.comm"


def temporary_keys() -> Security:
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


def write_keys(folder: Path) -> dict[str, str | bool]:
    """Write a key and a certificate; returns the settings of Dask that name them.

    Parameters
    ----------
    folder
        New; only its owner may enter it.

    Raises
    ------
    InputError
        The folder exists, or cannot be made.
    """
    security = temporary_keys()
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}", "a new folder for keys", "choose another") from error
    certificate, key = (str(folder.resolve() / name) for name in ("certificate.pem", "key.pem"))
    for path, text in ((certificate, security.tls_ca_file), (key, security.tls_worker_key)):
        # Never readable by others, not even for the moment between creating and changing the mode.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    found: dict[str, str | bool] = {f"{COMM}.require-encryption": True, f"{COMM}.tls.ca-file": certificate}
    for role in ("scheduler", "worker", "client"):
        found |= {f"{COMM}.tls.{role}.cert": certificate, f"{COMM}.tls.{role}.key": key}
    return found


@contextlib.contextmanager
def key_files(folder: Path) -> Iterator[Security]:
    """Keys in files of a new folder, for a cluster whose workers find them by their paths; removed at the end."""
    import dask
    from distributed.security import Security

    settings = write_keys(folder)
    try:
        with dask.config.set(settings):
            security = Security()
        yield security
    finally:
        shutil.rmtree(folder)
