"""The command `xafsflow`: its commands, and how errors become messages and exit statuses."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import click

from xafsflow.cli.batch_command import batch
from xafsflow.cli.check_command import check
from xafsflow.cli.demo_command import demo
from xafsflow.cli.export_command import export
from xafsflow.cli.info_command import info
from xafsflow.cli.phantom_command import phantom
from xafsflow.cli.report_command import report
from xafsflow.cli.run_command import run
from xafsflow.cli.score_command import score
from xafsflow.cli.status_command import status
from xafsflow.cli.steps_command import show, steps
from xafsflow.cli.verify_command import verify

# Exit status, see the README.
FAILED, WRONG, BUSY, INTERRUPTED = 1, 2, 75, 130


class Commands(click.Group):
    """Commands whose errors are one message and an exit status."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error that a user can correct ends in a message, not in a traceback."""
        from xafsflow.errors import BusyError, ComputationError, InputError

        try:
            return super().invoke(ctx)
        except BusyError as error:
            _stop(str(error), BUSY)
        except InputError as error:
            _stop(str(error), WRONG)
        except ComputationError as error:
            _stop(str(error), FAILED)
        except (OSError, MemoryError) as error:
            _stop(f"{type(error).__name__}: {error}", FAILED)
        except KeyboardInterrupt:
            # Python ends by the signal, whatever status it is given, where Ctrl-C came in code made of a text, such as
            # that of a dataclass while a module is imported; until it has run another such text.
            exec("")
            _stop("Interrupted. The same command continues the work.", INTERRUPTED)


def _stop(message: str, status: int) -> NoReturn:
    click.echo("\n".join(f"xafsflow: {line}" for line in message.splitlines()), err=True)
    sys.exit(status)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="xafsflow")
def main() -> None:
    """Chemical-state maps from imaging XAFS.

    Exit status: 0 done; 1 a computation failed; 2 the call, the recipe or the input is wrong; 75 another process works in
    the folder; 130 interrupted.
    """


for command in (run, check, batch, status, info, steps, show, phantom, export, report, score, verify, demo):
    main.add_command(command)


def start() -> None:
    """The command as a process of its own."""
    try:
        main(prog_name="xafsflow")
    finally:
        # All is written and shown: Ctrl-C while the interpreter ends would only look like a failure.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
