"""A scheduler that is already running: its address, or the file that it wrote."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xafsflow.cluster.cluster_settings import ClusterRequest
from xafsflow.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

POLL_SECONDS = 0.2


@contextlib.contextmanager
def join_scheduler(address: str, request: ClusterRequest) -> Iterator[Client]:
    """A client of the scheduler at an address, which continues when this run ends.

    Parameters
    ----------
    address
        `tcp://HOST:PORT`, `tls://HOST:PORT` or `file:PATH`.
    request
        Only `timeout` and `report_progress` count: whoever started the workers has chosen their number and memory.

    Raises
    ------
    InputError
        No scheduler or no worker answers in time.
    """
    from distributed import Client

    until = time.monotonic() + request.timeout
    if address.startswith("file:"):
        address = read_address(Path(address.removeprefix("file:")), until)
    if address.startswith("tls://"):
        _check_keys(address)
    request.report_progress(f"connects to the scheduler at {address}", None)
    with contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(Client(address, timeout=max(1.0, until - time.monotonic())))
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(
                f"no answer from {address} within {request.timeout:g} s ({error})",
                "a scheduler of Dask at this address",
                "check the address, that the scheduler runs, and that it has the same version of distributed",
            ) from error
        try:
            client.wait_for_workers(1, timeout=max(1.0, until - time.monotonic()))
        except TimeoutError as error:
            raise InputError(
                f"the scheduler at {address} without a worker within {request.timeout:g} s",
                "one worker or more",
                "start workers, and look at what they print",
            ) from error
        yield client


def read_address(path: Path, until: float) -> str:
    """The address in a scheduler's file, which may still have to be written.

    Raises
    ------
    InputError
        There is no such file in time, or it is something else.
    """
    action = "start the scheduler with `dask scheduler --scheduler-file PATH`, and name the same path"
    while True:
        try:
            # While it is being written the file is incomplete.
            content = json.loads(path.read_text(encoding="utf-8"))
            break
        except (OSError, ValueError) as error:
            if time.monotonic() > until:
                raise InputError(f"{path}: {error}", "the file of a scheduler", action) from error
        time.sleep(POLL_SECONDS)
    address = content.get("address") if isinstance(content, dict) else None
    if not isinstance(address, str):
        raise InputError(f"{path} without an address", "the file of a scheduler", action)
    return address


def _check_keys(address: str) -> None:
    from distributed.security import Security

    if not Security().get_tls_config_for_role("client").get("ca_file"):
        raise InputError(
            f"no certificate for {address}",
            "the certificate of the scheduler, and a key",
            "set distributed.comm.tls (ca-file, client.cert, client.key) in ~/.config/dask/distributed.yaml, or "
            "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, ...__CLIENT__CERT and ...__CLIENT__KEY",
        )
