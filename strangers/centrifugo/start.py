"""Start Centrifugo: `python -m strangers.centrifugo.start HOST PORT NAME [REDIS_URL]`, until SIGTERM.

Without a Redis it keeps everything in memory. `CENTRIFUGO` in the environment is its program; else it is
looked for in the PATH, and where `go install` puts it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from strangers.starting import run_in_folder

RETAINED = 1000
RETAINED_FOR = "3600s"


def main(host: str, port: str, name: str, redis_url: str = "") -> int:
    """Return Centrifugo's exit code."""
    try:
        found = program()
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    engine = {"type": "redis", "redis": {"address": redis_url}} if redis_url else {"type": "memory"}
    said = {
        "http_server": {"address": host, "port": int(port)},
        "http_api": {"insecure": True},
        "health": {"enabled": True},
        "channel": {"without_namespace": {"history_size": RETAINED, "history_ttl": RETAINED_FOR}},
        "engine": engine,
    }

    def prepare(folder: Path) -> Sequence[str]:
        configuration = folder / "config.json"
        configuration.write_text(json.dumps(said), encoding="utf-8")
        return [found, "-c", str(configuration)]

    return run_in_folder(prepare, name)


def program() -> str:
    """Return where Centrifugo is. Raise FileNotFoundError when it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path.home() / "go" / "bin")])
    found = os.environ.get("CENTRIFUGO") or shutil.which("centrifugo", path=path)
    if found is None:
        raise FileNotFoundError("centrifugo is not installed")
    return found


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
