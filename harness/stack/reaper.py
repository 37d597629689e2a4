"""Ends what a harness left behind, however the harness ended, `kill -9` included.

One such process runs beside each harness process that starts others; `guardian` is the harness's side of it.
It reads JSON lines from a pipe whose other end only the harness holds: `{"leader": pid}` a session to guard,
`{"ended": pid}` one that is gone, `{"folder": path}` and `{"removed": path}` the same for temporary folders.
When the pipe ends it kills every session and removes every folder it still knows of.

Linux's PR_SET_PDEATHSIG would do less: it reaches direct children only, and fires already when the *thread*
ends that started them.

It is run as a script and needs psutil alone: no other module of the harness may be imported here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import psutil

KILL_DEADLINE_S = 5.0


def family(leader: int) -> list[psutil.Process]:
    """Return the living processes of the session of `leader`, and their descendants in other sessions."""
    found: dict[int, psutil.Process] = {}
    for pid in psutil.pids():
        try:
            if os.getsid(pid) != leader:
                continue
            member = psutil.Process(pid)
            found |= {process.pid: process for process in (member, *member.children(recursive=True))}
        except (psutil.Error, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile, or belongs to another user
    return [process for process in found.values() if alive(process)]


def kill_family(leader: int) -> list[psutil.Process]:
    """Kill until nothing of the family is left; return what still lives after several seconds."""
    for _ in range(3):  # a member may fork while its family is being listed
        members = family(leader)
        if not members:
            break
        kill_each(members)
    _remove_shared_memory(leader)
    return family(leader)


def _remove_shared_memory(leader: int) -> None:
    """Remove what libfaketime makes for a program, names after its process id, and never removes."""
    for name in (f"faketime_shm_{leader}", f"sem.faketime_sem_{leader}"):
        Path("/dev/shm", name).unlink(missing_ok=True)


def kill_each(processes: list[psutil.Process]) -> None:
    """Kill these processes and wait, at most several seconds, until they are dead."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + KILL_DEADLINE_S
    while any(alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.002)


def alive(process: psutil.Process) -> bool:
    """Return whether a process can still do something. A zombie cannot: it only waits for its parent.

    But a killed program's first thread is a zombie before its others have ended and closed its sockets.
    """
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.Error:
        return False


def main() -> None:
    """Remember until the pipe ends, then clean up."""
    leaders: set[int] = set()
    folders: set[str] = set()
    for line in sys.stdin:
        note = json.loads(line)
        leaders |= {note["leader"]} if "leader" in note else set()
        leaders -= {note["ended"]} if "ended" in note else set()
        folders |= {note["folder"]} if "folder" in note else set()
        folders -= {note["removed"]} if "removed" in note else set()
    for leader in leaders:
        kill_family(leader)
    for folder in folders:
        if Path(folder).is_dir():
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
