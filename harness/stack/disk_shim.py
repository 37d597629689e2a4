"""Runs a program on a disk that can fail: `python -I -S disk_shim.py STATE DATA SYNCED COMMAND…`.

The kernel asks this program's child before each system call of COMMAND and its children that writes or syncs
a file (seccomp user notification, Linux 5.5: https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html).
So no privilege, no filesystem and no compiler is needed, and COMMAND keeps the process id.

STATE   a file with the mode, an unsigned 64-bit number, and then how many calls were refused in that mode
DATA    the folder whose files are on that disk
SYNCED  a folder: a file `INODE` has what was synced of the file of DATA with that inode

A file of SYNCED begins as a copy of what was there before the first write, and changes only when its file is
synced. Names, renames and removals count as durable at once. Writes through memory maps are not seen.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import select
import socket
import stat
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

WORKS, FULL, FAILING, LYING, HANGING = range(5)
"""Modes of the disk. FULL: no write succeeds. FAILING: no write and no sync succeeds. LYING: a sync succeeds
and does nothing. HANGING: a sync does not end until the mode is another."""
CUT_OFF = 5
"""The mode of a network, beside WORKS, in which no connection succeeds: see `network_shim.py`."""
LOOKS_AGAIN_MS = 20
STATE = struct.Struct("=QQ")
UNSUPPORTED = 75
"""The exit status where the kernel does not let calls be supervised."""

WRITE, PWRITE, WRITEV, FSYNC, FDATASYNC, FTRUNCATE, FALLOCATE, PWRITEV = 1, 18, 20, 74, 75, 77, 285, 296
SYNCS = (FSYNC, FDATASYNC)
CALLS = (WRITE, PWRITE, WRITEV, *SYNCS, FTRUNCATE, FALLOCATE, PWRITEV)
"""The numbers of the system calls on x86-64."""
ARCHITECTURE = 0xC000003E
SECCOMP, PR_SET_NO_NEW_PRIVS, SET_MODE_FILTER, NEW_LISTENER = 317, 38, 1, 8
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
RECEIVE, SEND = 0xC0502100, 0xC0182101
CALL = struct.Struct("=QIIiIQ6Q")
"""struct seccomp_notif: id, thread, flags, call, architecture, instruction, arguments."""
ANSWER = struct.Struct("=QqiI")
"""struct seccomp_notif_resp: id, value, error, flags."""
CONTINUE = 1
PIECE_BYTES = 2**20


class Instruction(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jump_true", ctypes.c_ubyte),
        ("jump_false", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    )


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(Instruction)))


class File:
    """A file on the disk, what was written since its last sync, and what was synced.

    It stays open, so that no other file gets its inode.
    """

    def __init__(self, path: str, synced: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._synced = os.open(synced, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self.written: list[tuple[int, int]] = []
        """Ranges, each a begin and an end."""
        self._copy_all()

    def sync(self, being_written: list[tuple[int, int]]) -> None:
        """Take over what was written, and what is perhaps being written."""
        for begin, end in (*self.written, *being_written):
            self._copy(begin, end)
        self.written.clear()
        os.ftruncate(self._synced, os.fstat(self._file).st_size)

    def _copy_all(self) -> None:
        size = os.fstat(self._file).st_size
        end = 0
        with suppress(OSError):  # ENXIO: there are no more data
            while end < size:
                begin = os.lseek(self._file, end, os.SEEK_DATA)
                end = os.lseek(self._file, begin, os.SEEK_HOLE)
                self._copy(begin, end)
        os.ftruncate(self._synced, size)

    def _copy(self, begin: int, end: int) -> None:
        while begin < end and (piece := os.pread(self._file, min(end - begin, PIECE_BYTES), begin)):
            os.pwrite(self._synced, piece, begin)
            begin += len(piece)


class Supervisor:
    """Answers for each call whether it goes on or fails."""

    def __init__(self, state: str, data: str, synced: str) -> None:
        self._data = f"{Path(data).resolve()}/"
        self._synced = Path(synced)
        with Path(state).open("r+b") as file:
            self._state = mmap.mmap(file.fileno(), STATE.size)
        self._files: dict[int, File] = {}
        self._in_progress: dict[int, tuple[File, int, int]] = {}
        """By thread: a range that it is perhaps still writing, which is so until its next call."""

    def serve(self, listener: int) -> None:
        """Answer every call until the last process has ended."""
        asked = select.poll()
        asked.register(listener, select.POLLIN)
        hanging: list[bytearray] = []
        while True:
            found = asked.poll(LOOKS_AGAIN_MS if hanging else None)
            if found and found[0][1] & select.POLLHUP:
                return
            calls = [self._received(listener)] if found else []
            if self._mode != HANGING:
                hanging, calls = [], hanging + calls
            for call in calls:
                if self._mode == HANGING and CALL.unpack(call)[3] in SYNCS:
                    hanging.append(call)
                else:
                    self._answer(listener, call)

    @property
    def _mode(self) -> int:
        return int(STATE.unpack(self._state[:])[0])

    def _received(self, listener: int) -> bytearray:
        """Return the next call; an empty one if its thread was interrupted or killed meanwhile."""
        call = bytearray(CALL.size)
        with suppress(FileNotFoundError, InterruptedError):
            fcntl.ioctl(listener, RECEIVE, call)
        return call

    def _answer(self, listener: int, call: bytearray) -> None:
        number, thread, _, name, _, _, *arguments = CALL.unpack(call)
        with suppress(FileNotFoundError, InterruptedError):  # as above
            error = self._error_of(thread, name, arguments)
            fcntl.ioctl(listener, SEND, ANSWER.pack(number, 0, -error, 0 if error else CONTINUE))

    def _error_of(self, thread: int, call: int, arguments: list[int]) -> int:
        """Return the error of a call, or 0 after noting what it will do."""
        if thread in self._in_progress:
            file, begin, end = self._in_progress.pop(thread)
            file.written.append((begin, end))
        place = f"/proc/{thread}/fd/{arguments[0] & 0xFFFFFFFF}"
        if (known := self._file_at(place)) is None:
            return 0
        mode, refused = STATE.unpack(self._state[:])
        if mode == FAILING or (mode == FULL and call not in (*SYNCS, FTRUNCATE)):
            self._state[:] = STATE.pack(mode, refused + 1)
            return errno.EIO if mode == FAILING else errno.ENOSPC
        if call in SYNCS and mode != LYING:
            known.sync([(begin, end) for file, begin, end in self._in_progress.values() if file is known])
        elif (range_ := _range(place, call, arguments)) is not None:
            self._in_progress[thread] = (known, *range_)
        return 0

    def _file_at(self, place: str) -> File | None:
        """Return the file that a descriptor leads to; None if it is not a file of this disk."""
        try:
            found = Path(place).stat()
            if not stat.S_ISREG(found.st_mode) or not os.fspath(Path(place).readlink()).startswith(
                self._data
            ):
                return None
        except FileNotFoundError:  # closed: the call fails by itself
            return None
        if found.st_ino not in self._files:
            self._files[found.st_ino] = File(place, self._synced / str(found.st_ino))
        return self._files[found.st_ino]


def _range(place: str, call: int, arguments: list[int]) -> tuple[int, int] | None:
    """Return the begin and the end of what a call writes, as far as is known; None for nothing."""
    if call == PWRITE:
        return arguments[3], arguments[3] + arguments[2]
    if call == WRITE:
        begin = _position(place)
        return begin, begin + arguments[2]
    if call in (WRITEV, PWRITEV):  # how much is in the program's memory
        return (_position(place) if call == WRITEV else arguments[3]), sys.maxsize
    if call == FALLOCATE and arguments[1]:  # it may make a hole
        return arguments[2], arguments[2] + arguments[3]
    return None


def _position(place: str) -> int:
    """Return where the next write to a descriptor goes."""
    info = Path(place.replace("/fd/", "/fdinfo/")).read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    if int(fields["flags"], 8) & os.O_APPEND:
        return Path(place).stat().st_size
    return int(fields["pos"])


def supervised(calls: Sequence[int]) -> int:
    """From now on have these calls of this process supervised; return the listener. Raise OSError."""
    instructions = (
        Instruction(LOAD, 0, 0, 4),  # the architecture
        Instruction(JUMP_IF_EQUAL, 0, len(calls) + 1, ARCHITECTURE),
        Instruction(LOAD, 0, 0, 0),  # the call
        *(Instruction(JUMP_IF_EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)),
        Instruction(RETURN, 0, 0, ALLOW),
        Instruction(RETURN, 0, 0, NOTIFY),
    )
    program = Program(len(instructions), (Instruction * len(instructions))(*instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero):
        raise OSError(number := ctypes.get_errno(), os.strerror(number))
    listener = libc.syscall(SECCOMP, SET_MODE_FILTER, NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise OSError(number := ctypes.get_errno(), os.strerror(number))
    return int(listener)


class Serves(Protocol):
    """A supervisor."""

    def serve(self, listener: int) -> None:
        """Answer every call until the last process has ended."""


def run_supervised(calls: Sequence[int], command: list[str], supervisor: Callable[[], Serves]) -> None:
    """Start the supervisor as a child, have it supervise these calls of this process, and become COMMAND."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        sys.exit(UNSUPPORTED)
    ours, childs = socket.socketpair()
    if not os.fork():
        ours.close()
        _supervise(childs, supervisor())
        return
    childs.close()
    try:
        listener = supervised(calls)
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        sys.exit(UNSUPPORTED)
    # Not by `write`, which would be asked about before the child can answer.
    ours.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
    os.close(listener)
    ours.close()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a program that cannot write may abort, and be large
    os.execvp(command[0], command)


def _supervise(parent: socket.socket, supervisor: Serves) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _, ancillary, _, _ = parent.recvmsg(1, socket.CMSG_SPACE(4))
    parent.close()
    if ancillary:
        supervisor.serve(array.array("i", ancillary[0][2])[0])


if __name__ == "__main__":
    state, data, synced, *command = sys.argv[1:]
    run_supervised(CALLS, command, lambda: Supervisor(state, data, synced))
