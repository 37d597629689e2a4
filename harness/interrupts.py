"""Ctrl-C, SIGTERM and a closed terminal end a run in order, through every `finally`, with its results.

The first signal raises KeyboardInterrupt in the main thread. Further ones change nothing, as people press
Ctrl-C twice, and a terminal sends it to every process of the run; only after `PATIENCE_S` does one more end
the process at once. What it started is then ended by its guardian.

Python drops an exception that is raised in a callback of its own, such as that of a weak reference while a
module is imported. Such a loss is seen, and the interruption raised again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from types import FrameType

INTERRUPTED = 130
"""The exit code of a run that was interrupted: 128 + SIGINT, as shells report it."""
GRACE_S = 1.0
"""How long an interrupted process still waits for anything but the end of what it started."""
PATIENCE_S = 3.0
"""Within this time an interrupted run ends."""
LOOKS_EVERY_S = 0.1


class Interrupted(KeyboardInterrupt):
    """Raised by the first signal. A class of its own, as only such exceptions can be weakly referenced."""


class Interrupts:
    """What this process does about the signals that end it."""

    def __init__(self) -> None:
        self._first_at: float | None = None
        self.is_of_a_terminal = False
        """Whether it was Ctrl-C, which a terminal sends to every process that it started."""
        self._raised: weakref.ref[Interrupted] | None = None
        self._raise_again = False
        self._is_seen = False
        self._holds = 0
        self._is_held = False
        self._others: set[int] = set()

    def take(self) -> None:
        """Take the signals of this process, which must call this in its main thread."""
        signal.signal(signal.SIGINT, self._handle)  # also where a shell started us with &, and ignores it
        signal.signal(signal.SIGTERM, self._handle)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(signal.SIGHUP, self._handle)

    @property
    def has_begun(self) -> bool:
        """Whether this process was interrupted: nothing that only makes a verdict better is waited for."""
        return self._first_at is not None

    def end_waiting(self) -> None:
        """Raise KeyboardInterrupt again where the main thread still waits after the grace.

        A fault that is healed meanwhile may wait for a server that will not be needed.
        """
        is_late = self._first_at is not None and time.monotonic() > self._first_at + GRACE_S
        if is_late and threading.current_thread() is threading.main_thread():
            raise Interrupted

    def hand_on_to(self, process: int) -> None:
        """Interrupt another process, too, when this one is: one that runs rows of the same run."""
        self._others.add(process)

    def seen(self) -> None:
        """Note that the interruption has arrived where it is dealt with."""
        self._is_seen = True

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal wait until the end of the context, where it raises KeyboardInterrupt."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            if self._is_held and not self._holds:
                self._is_held = False
                self._raise()

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self._first_at is None:
            self._first_at = time.monotonic()
            self.is_of_a_terminal = signum == signal.SIGINT
            self._hand_on()
            if self._holds:
                self._is_held = True
            else:
                self._raise()
        elif self._raise_again:
            self._raise_again = False
            self._raise()
        elif time.monotonic() - self._first_at >= PATIENCE_S:
            os._exit(INTERRUPTED)

    def _hand_on(self) -> None:
        for process in self._others:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGINT)

    def _raise(self) -> None:
        error = Interrupted()
        self._raised = weakref.ref(error)
        threading.Thread(target=self._watch, name="interruption", daemon=True).start()
        try:
            raise error
        finally:
            del error  # else its traceback would keep it alive

    def _watch(self) -> None:
        """Raise the interruption again if it was lost on its way."""
        while not self._is_seen:
            if self._raised is not None and self._raised() is None:
                time.sleep(LOOKS_EVERY_S)
                if not self._is_seen:
                    self._raise_again = True
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return
            time.sleep(LOOKS_EVERY_S)


INTERRUPTS = Interrupts()
"""Those of this process."""
