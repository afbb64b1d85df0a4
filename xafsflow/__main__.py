"""`python -m xafsflow` is the command `xafsflow`."""

from xafsflow.cli import start

start()
