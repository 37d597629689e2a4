"""The folder in which the workers keep their metrics. The master creates it and removes it at its end.

prometheus_client must be imported later: it looks into the environment when it is imported. So this module
repeats two of its facts: the environment variable with the folder's path, and the names of its files.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from reference_server.setting import ConfigError

_PREFIX = "reference-server-metrics-"
_LOCK = "lock"


class MetricsFolder:
    """A temporary folder for one server.

    It is locked while the master or any worker lives. So if a server is killed with all its workers, the next
    server that starts removes its folder.
    """

    def __init__(self) -> None:
        """Create the folder. Raise ConfigError."""
        try:
            _remove_abandoned()
            unnamed = Path(tempfile.mkdtemp(prefix="new-"))
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"TMPDIR must be a folder in which files can be written: {reason}.") from error
        self._lock = _locked(unnamed / _LOCK, "w")
        # Renamed only now, so that another server never sees it unlocked.
        self.path = unnamed.rename(unnamed.with_name(_PREFIX + unnamed.name))
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.path)

    def restore(self) -> None:
        """Create the folder again if a clean-up of temporary files removed it: a worker needs it to start."""
        self.path.mkdir(mode=0o700, exist_ok=True)

    def forget_gauges(self, worker_pid: int) -> None:
        """Remove a dead worker's gauges, as mark_process_dead does. Its counters stay in the sums."""
        for gauges in self.path.glob(f"gauge_live*_{worker_pid}.db"):
            gauges.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder. Only the master calls this, after the workers have ended."""
        shutil.rmtree(self.path, ignore_errors=True)


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            with _locked(folder / _LOCK, "r"):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # a running server holds the lock, or another user owns it
            continue


def _locked(path: Path, mode: str) -> IO[str]:
    """Open a file and lock it until it is closed here and in every child. Raise OSError if it is locked."""
    file = path.open(mode)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
