"""`python -m benchmarks.capacity`."""

import sys

from benchmarks.capacity.command_line import main

if __name__ == "__main__":
    sys.exit(main())
