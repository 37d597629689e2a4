"""The errors of the harness: one clear sentence each, on one line, and the exit code of the command line.

    HarnessError
    ├── UsageError             exit code 2: bad input, a missing service, a port in use, an unreadable
    │   │                      profile, a target that never became ready
    │   ├── DoesNotFit         the profile describes another server: an answer lacks what it names
    │   ├── NotHere            (in a scenario: exit code 3) this one row cannot be run on this machine
    │   └── NeverReady         the server under test was started and did not serve
    ├── NotServed              exit code 3: the server did not do what the scenario needs to go on;
    │                          in a scenario, what is recorded until then is judged first
    └── InfrastructureError    exit code 3: a fault that did not take effect, a proxy that hung
        ├── CannotWrite        a disk is full, a folder is not writable or was removed
        ├── OutputLost         what a command prints cannot be written
        ├── ProcessDied        a process ended by itself
        └── DeadlineMissed     (also a TimeoutError) something did not become true in time

What the server under test does wrong is never an exception: it is a finding (see `verdict`).
"""

from __future__ import annotations

from pathlib import Path

from harness.printable import printable
from harness.secrecy import without_secrets


class HarnessError(Exception):
    """Anything that keeps the harness from judging; `exit_code` is what `python -m harness` ends with.

    Whatever the sentence quotes, it stays on one line. `last_lines` are the last that a program printed.
    """

    exit_code = 3

    def __init__(self, sentence: str, *, last_lines: str = "") -> None:
        self.sentence = printable(without_secrets(sentence))
        self.last_lines = "\n".join(map(printable, without_secrets(last_lines).splitlines()))
        super().__init__("\n".join(filter(None, (self.sentence, self.last_lines))))


class UsageError(HarnessError):
    """The user has to change something before anything can be run."""

    exit_code = 2


class NotHere(UsageError):
    """Something is not available on this machine: a row that needs it is skipped, the others go on."""


class DoesNotFit(UsageError):
    """The profile does not describe this server: nothing can be judged."""


class NeverReady(UsageError):
    """The server under test was started and did not serve; with its last lines.

    `last_status` is what the request for its ready path was answered last; None if it was never answered.
    """

    def __init__(self, sentence: str, *, last_lines: str = "", last_status: int | None = None) -> None:
        super().__init__(sentence, last_lines=last_lines)
        self.last_status = last_status


class NotServed(HarnessError):
    """The server under test did not do what a scenario needs to go on: its history until then is judged.

    Never raised for a failure of the harness or its machine, which proves nothing.
    """


class InfrastructureError(HarnessError):
    """Something that the harness needs failed: the run is inconclusive, and the server is not to blame."""

    exit_code = 3


class ProcessDied(InfrastructureError):
    """A process ended by itself; with its exit status and its last lines."""


class DeadlineMissed(InfrastructureError, TimeoutError):
    """A condition did not become true in time; the sentence names it and the last exception."""


def reason_of(error: Exception) -> str:
    """Return what an error says, without the number and the path of an OSError."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


class CannotWrite(InfrastructureError):
    """The harness cannot write a file; the sentence names it and the option that moves it elsewhere."""

    def __init__(self, path: Path | str, why: OSError | str, *, remedy: str) -> None:
        said = why if isinstance(why, str) else reason_of(why)
        super().__init__(f"{path} cannot be written: {said}; {remedy}.")


class OutputLost(InfrastructureError):
    """What a command prints cannot be written; the sentence says why."""
