"""`python -m harness`."""

# PYTHON_ARGCOMPLETE_OK: a shell with argcomplete's global completion may run this to complete a command.

import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until a command begins there is nothing to end in order

try:
    from harness.cli.command_line import main
except ImportError as error:
    print(f"harness: {error}: run `python -m pip install pollproof`, or `.` in a checkout", file=sys.stderr)  # noqa: T201
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
