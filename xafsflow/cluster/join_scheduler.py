"""A scheduler that is already there: an address, or the file that it wrote."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xafsflow.cluster.cluster_settings import Ask
from xafsflow.errors import InputError

POLL_SECONDS = 0.2


@contextlib.contextmanager
def join(address: str, ask: Ask) -> Iterator[Any]:
    """A client of the scheduler at an address, which goes on when this run ends.

    Parameters
    ----------
    address
        `tcp://HOST:PORT`, `tls://HOST:PORT` or `file:PATH`.
    ask
        Its number of workers and its memory are the business of who started them.

    Raises
    ------
    InputError
        No scheduler or no worker answers in time.
    """
    from distributed import Client

    until = time.monotonic() + ask.timeout
    if address.startswith("file:"):
        address = read_address(Path(address.removeprefix("file:")), until)
    if address.startswith("tls://"):
        _check_keys(address)
    ask.report_progress(f"the scheduler at {address}", None)
    with contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(Client(address, timeout=max(1.0, until - time.monotonic())))
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(
                f"no scheduler answers at {address} within {ask.timeout:g} s ({error})",
                "a scheduler of Dask",
                "check the address, that it runs, and that its version of distributed is this one's",
            ) from error
        try:
            client.wait_for_workers(1, timeout=max(1.0, until - time.monotonic()))
        except TimeoutError as error:
            raise InputError(
                f"the scheduler at {address} without a worker within {ask.timeout:g} s",
                "one worker or more",
                "start workers, and look at what they say",
            ) from error
        yield client


def read_address(path: Path, until: float) -> str:
    """The address in a scheduler's file, which may still have to be written.

    Raises
    ------
    InputError
        There is no such file in time, or it is another's.
    """
    do = "start the scheduler with `dask scheduler --scheduler-file PATH`, and name the same path"
    while True:
        try:
            # Seen while it is being written, the file is cut off.
            content = json.loads(path.read_text(encoding="utf-8"))
            break
        except (OSError, ValueError) as error:
            if time.monotonic() > until:
                raise InputError(f"{path}: {error}", "the file of a scheduler", do) from error
        time.sleep(POLL_SECONDS)
    address = content.get("address") if isinstance(content, dict) else None
    if not isinstance(address, str):
        raise InputError(f"{path} without an address", "the file of a scheduler", do)
    return address


def _check_keys(address: str) -> None:
    from distributed.security import Security

    if not Security().get_tls_config_for_role("client").get("ca_file"):
        raise InputError(
            f"no certificate for {address}",
            "that of the scheduler, and a key",
            "set distributed.comm.tls (ca-file, client.cert, client.key) in ~/.config/dask/distributed.yaml, or "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ...__CLIENT__CERT and ...__CLIENT__KEY",
        )
