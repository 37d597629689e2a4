"""Child processes that leave nothing behind."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import psutil

from harness.errors import CannotWrite, DeadlineMissed, InfrastructureError, ProcessDied, UsageError
from harness.stack.guardian import GUARDIAN
from harness.stack.reaper import family, kill_each, kill_family
from harness.stack.waiting import wait_until

T = TypeVar("T")

LAUNCH = Path(__file__).with_name("launch.py")
LAST_LINES = 15
LOG_REMEDY = "--reports FOLDER puts results and logs elsewhere, TMPDIR what is temporary"

_started: weakref.WeakSet[Process] = weakref.WeakSet()


class Process:
    """A program, its output in the file `log`, its children.

    It runs in its own session, so that Ctrl-C at the terminal reaches only the harness, which then ends it in
    order. If the harness itself is killed, its guardian kills the whole session. Any thread may call the
    methods, one at a time.
    `env` is added to the harness's own environment. `command` and `env` may be changed between two starts.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.paused = False
        self.env = dict(env or {})
        self.under: list[str] = []
        """Words before the command, at the next start: of a program that becomes the command."""
        self._cwd = cwd
        self._popen: subprocess.Popen[bytes] | None = None
        self._ended_by_us = True
        self._log_start = 0

    @property
    def pid(self) -> int:
        """The process id, also after its end. Raise UsageError before the first start."""
        if self._popen is None:
            raise UsageError(f"{self.name} has not been started.")
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the program itself runs (a paused one does)."""
        return self._popen is not None and self._popen.poll() is None

    def launch(self) -> None:
        """Start the program without waiting for it to be ready.

        Raise UsageError when the program does not exist, CannotWrite when its log cannot be written.
        """
        if self.running:
            raise UsageError(f"{self.name} is already running with process id {self.pid}.")
        self._require_program()
        pipe = GUARDIAN.pipe()
        with self._open_log() as output:
            self._log_start = output.tell()
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCH), str(pipe), *self.under, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | self.env,
                cwd=self._cwd,
                pass_fds=(pipe,),
                start_new_session=True,
            )
        self._ended_by_us = False
        self.paused = False
        _started.add(self)

    def start(self) -> None:
        """Start the program; subclasses that can see when it is ready wait for that."""
        self.launch()

    def restart(self) -> None:
        """Stop it in order, and start it again."""
        self.stop()
        self.start()

    def stop(self, *, deadline_s: float = 5.0) -> bool:
        """SIGTERM; after `deadline_s` seconds SIGKILL for whatever is left of it and of its children.

        Return whether the program had ended by then.
        """
        if self._popen is None:
            return True
        self._ended_by_us = True
        in_time = True
        if self.running:
            relatives = family(self.pid)
            self._popen.terminate()
            self.resume()  # a stopped process would sleep through its SIGTERM
            try:
                self._popen.wait(deadline_s)
            except subprocess.TimeoutExpired:
                in_time = False
            kill_each(relatives)
        self._kill_family()
        return in_time

    def ask_to_end(self) -> None:
        """SIGTERM without a wait, for several programs that are to end at the same time; `stop` waits."""
        if self.running:
            self._ended_by_us = True
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL for the program and all its children at once, as `kill -9` or a power cut would."""
        if self._popen is not None:
            self._ended_by_us = True
            self._kill_family()

    def pause(self) -> None:
        """SIGSTOP for the program and its children: alive, connected, silent."""
        self.require_running()
        self._signal_family(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """SIGCONT: let everything that was paused go on."""
        self._signal_family(signal.SIGCONT)
        self.paused = False

    def children(self) -> list[psutil.Process]:
        """Return the program's living descendants, such as the workers of a server."""
        return [process for process in family(self.pid) if process.pid != self.pid]

    def last_lines(self, count: int = LAST_LINES) -> str:
        """Return the last lines that it has printed since its last start."""
        with self.log.open("rb") as output:
            output.seek(0, os.SEEK_END)
            output.seek(max(self._log_start, output.tell() - 64 * 1024))
            lines = output.read().decode("utf-8", errors="replace").splitlines()
        return "\n".join(lines[-count:])

    def require_running(self) -> None:
        """Raise ProcessDied, with its exit status and its last lines, if the program has ended."""
        if not self.running:
            raise ProcessDied(self.how_it_ended(), last_lines=self.last_lines())

    def require_not_died(self) -> None:
        """Raise ProcessDied if the program ended by itself."""
        if not self._ended_by_us:
            self.require_running()

    def how_it_ended(self) -> str:
        """Return one sentence that last lines can follow: 'mongod exited with status 1; its last lines:'."""
        if self._popen is None or self._popen.poll() is None:
            return f"{self.name} has not ended."
        code = self._popen.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
        return f"{self.name} {how}; {said(self.last_lines())}"

    def wait_until_ready(
        self,
        ready: Callable[[], T],
        *,
        deadline_s: float,
        retry_on: tuple[type[Exception], ...] = (OSError,),
    ) -> T:
        """Wait until `ready` returns something true, and return that.

        Raise ProcessDied as soon as the program ends, DeadlineMissed after `deadline_s` seconds; both with
        its last lines.
        """

        def attempt() -> T:
            self.require_running()
            return ready()

        try:
            return wait_until(
                attempt, deadline_s=deadline_s, what=f"{self.name} to be ready", retry_on=retry_on
            )
        except DeadlineMissed as error:
            lines = self.last_lines()
            sentence = f"{error.sentence.removesuffix('.')}; {said(lines)}"
            raise DeadlineMissed(sentence, last_lines=lines) from error

    def _open_log(self) -> BinaryIO:
        try:
            return self.log.open("ab")
        except OSError as error:
            raise CannotWrite(self.log, error, remedy=LOG_REMEDY) from error

    def _require_program(self) -> None:
        program = self.command[0]
        place = str(self._cwd / program) if self._cwd is not None and os.sep in program else program
        if shutil.which(place, path=self.env.get("PATH")) is None:
            raise UsageError(f"{self.name} cannot be started: the program {program!r} does not exist.")

    def _signal_family(self, number: signal.Signals) -> None:
        for process in family(self.pid):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _kill_family(self) -> None:
        assert self._popen is not None
        left = kill_family(self.pid)
        self._popen.wait(5.0)
        if left:
            raise InfrastructureError(f"{self.name}: {left} could not be killed.")
        self.paused = False
        _started.discard(self)
        GUARDIAN.tell(ended=self.pid)


def said(last_lines: str) -> str:
    """Return the end of a sentence that last lines follow, where there are any."""
    return "its last lines:" if last_lines else "it printed nothing."


@atexit.register
def _kill_everything() -> None:
    """The last resort, for what no context manager ended."""
    for process in list(_started):
        process.kill()
