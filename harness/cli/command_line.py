"""`python -m harness`: run one command, and turn whatever ends it into one sentence and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

from harness.cli import streams
from harness.cli.parser import parser
from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.interrupts import INTERRUPTED, INTERRUPTS

REPAIR = "python -m pip install pollproof"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; 1 is a verdict, never a failure of the harness."""
    if "_ARGCOMPLETE" in os.environ:  # a shell asks, at TAB
        from harness.cli.completion import complete

        complete(parser())
    streams.prepare()
    return in_order(lambda: _run(arguments), called="harness")


def in_order(run: Callable[[], int], *, called: str) -> int:
    """Return the exit code of a run, or that of what ended it, which is said in one sentence.

    An interrupted process is about to end: one more Ctrl-C, while Python ends, does not change its exit code.
    """
    code = _in_order(run, called)
    if INTERRUPTS.has_begun:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _in_order(run: Callable[[], int], called: str) -> int:
    try:
        return run()
    except HarnessError as error:
        streams.complain(error.sentence, error.last_lines)
        return error.exit_code
    except KeyboardInterrupt:
        INTERRUPTS.seen()
        streams.complain("interrupted; everything it started has been ended")
        return INTERRUPTED
    except OSError as error:
        streams.complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        return InfrastructureError.exit_code
    except ModuleNotFoundError as error:
        streams.complain(f"{error}, which is needed: run `{REPAIR}`")
        return UsageError.exit_code
    except Exception:  # noqa: BLE001  a bug of ours is not a verdict on the server
        streams.complain(
            f"the {called} failed because of a bug in it; please report it with this:", traceback.format_exc()
        )
        return InfrastructureError.exit_code


def _run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    INTERRUPTS.take()
    if getattr(options, "quiet", False) or getattr(options, "json", False):
        from harness.cli.console import print_as_asked

        print_as_asked(options)
    exit_code = int(options.command(options))
    sys.stdout.flush()  # what cannot be written is reported here, not when Python ends
    return exit_code
