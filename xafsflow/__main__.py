"""`python -m xafsflow` is the command `xafsflow`."""

from xafsflow.cli import main

main(prog_name="xafsflow")
