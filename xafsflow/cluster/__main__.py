"""Keys for a cluster that a script starts: `python -m xafsflow.cluster FOLDER`.

It writes them into a new folder that only its owner can read, and prints the lines of a shell by which
scheduler, workers and clients find them.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from xafsflow.cluster.cluster_settings import as_environment_variables
from xafsflow.cluster.security import write_keys
from xafsflow.errors import InputError


def main(arguments: list[str]) -> int:
    """Write keys into the folder of the arguments, and print the lines; returns the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m xafsflow.cluster FOLDER", file=sys.stderr)
        return 2
    try:
        found = write_keys(Path(arguments[0]))
    except InputError as error:
        print(f"xafsflow: {error}", file=sys.stderr)
        return 2
    for name, value in as_environment_variables(found).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
