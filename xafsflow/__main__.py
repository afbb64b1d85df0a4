"""`python -m xafsflow` is the command `xafsflow`."""

from xafsflow.cli.main import start

start()
