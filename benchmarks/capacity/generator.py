"""The load generator's process: `python -m benchmarks.capacity.generator`."""

import sys

from gevent import monkey

monkey.patch_all()

from benchmarks.capacity.generating import main  # noqa: E402  everything it imports must be patched

if __name__ == "__main__":
    sys.exit(main())
