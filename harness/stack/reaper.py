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
    """The living processes of the session of `leader`, and their descendants in other sessions."""
    found: dict[int, psutil.Process] = {}
    for pid in psutil.pids():
        try:
            if os.getsid(pid) != leader:
                continue
            member = psutil.Process(pid)
            found |= {process.pid: process for process in (member, *member.children(recursive=True))}
        except (psutil.Error, ProcessLookupError, PermissionError):
            continue  # ended meanwhile, or somebody else's
    return [process for process in found.values() if _alive(process)]


def kill_family(leader: int) -> list[psutil.Process]:
    """Kill until nothing of the family is left; returns what still lives after several seconds."""
    for _ in range(3):  # a member may fork while its family is being listed
        members = family(leader)
        for process in members:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        if not members:
            return []
        _wait_for_death(members)
    return family(leader)


def _wait_for_death(processes: list[psutil.Process]) -> None:
    """A zombie is dead, too: its parent may be slow to bury it."""
    deadline = time.monotonic() + KILL_DEADLINE_S
    while any(_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.002)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
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
