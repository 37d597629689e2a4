"""The folder in which the workers keep their metrics: made by the master, gone with the server.

The master must not import prometheus_client, which imports what gevent has to patch first. So this module
knows two things of it: where it looks for the folder, and how it names the files of gauges.
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
    """A temporary folder of this server's own, told to prometheus_client by the environment.

    It is locked as long as the master or any worker lives: so a server that is killed with all its workers is
    cleaned up after by the next one to start.
    """

    def __init__(self) -> None:
        """Make it. Raises ConfigError."""
        try:
            _remove_abandoned()
            unnamed = Path(tempfile.mkdtemp(prefix="new-"))
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"TMPDIR must be a folder in which files can be written: {reason}.") from error
        self._lock = _locked(unnamed / _LOCK, "w")
        self.path = unnamed.rename(unnamed.with_name(_PREFIX + unnamed.name))  # now it is found, and locked
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.path)

    def restore(self) -> None:
        """Make it again if it was removed, as old temporary files are: without it no worker starts."""
        self.path.mkdir(mode=0o700, exist_ok=True)

    def forget_gauges(self, worker_pid: int) -> None:
        """Take a dead worker's gauges out of the sum, as mark_process_dead does; what it counted stays in."""
        for gauges in self.path.glob(f"gauge_live*_{worker_pid}.db"):
            gauges.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it with all that is in it. For the master alone, when the workers have ended."""
        shutil.rmtree(self.path, ignore_errors=True)


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            with _locked(folder / _LOCK, "r"):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # a server lives that has locked it, or it is another user's
            continue


def _locked(path: Path, mode: str) -> IO[str]:
    """Open a file and lock it until it is closed here and in every child. Raises OSError if it is locked."""
    file = path.open(mode)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
