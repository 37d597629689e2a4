"""Start moto's server: `python -m strangers.sqs.start HOST PORT`, until SIGTERM.

It keeps everything in memory.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from strangers.starting import run_in_folder


def main(host: str, port: str) -> int:
    """Return the server's exit code."""

    def prepare(folder: Path) -> Sequence[str]:
        os.environ["HOME"] = str(folder)
        return [sys.executable, "-m", "moto.server", "-H", host, "-p", port]

    return run_in_folder(prepare)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
