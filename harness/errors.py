"""The errors of the harness. Each message is one clear sentence; the exit code is the command line's.

    HarnessError
    ├── UsageError             exit code 2: bad input, a missing service, a port in use, an unreadable
    │   │                      profile, a target that never became ready
    │   ├── NotHere            (in a scenario: exit code 3) this one row cannot be run on this machine
    │   └── NeverReady         the server under test was started and did not serve
    ├── NotServed              exit code 3: the server did not do what the scenario cannot go on without;
    │                          in a scenario, what it has recorded is judged first
    └── InfrastructureError    exit code 3: a fault that did not take effect, a proxy that hung
        ├── CannotWrite        a disk is full, a folder may not be written to, or was removed
        ├── OutputLost         nobody takes what a command prints
        ├── ProcessDied        a process ended by itself
        └── DeadlineMissed     (also a TimeoutError) something did not become true in time

What the server under test does wrong is never an exception: it is a finding (see `verdict`).
"""

from __future__ import annotations

from pathlib import Path


class HarnessError(Exception):
    """Anything that keeps the harness from judging; `exit_code` is what `python -m harness` ends with."""

    exit_code = 3


class UsageError(HarnessError):
    """The user has to change something before a run can mean anything."""

    exit_code = 2


class NotHere(UsageError):
    """What is asked for cannot be had here: a row that needs it is skipped, the others go on."""


class NeverReady(UsageError):
    """The server under test was started and did not serve; the message has its last lines."""


class NotServed(HarnessError):
    """The server under test did not do what is needed to go on: a scenario ends, and its history is judged.

    Never the harness's or the machine's own trouble, which proves nothing.
    """


class InfrastructureError(HarnessError):
    """What the harness stands on failed: the run is inconclusive, the server not to blame."""

    exit_code = 3


class ProcessDied(InfrastructureError):
    """A process ended although nobody asked it to; the message has its exit status and its last lines."""


class DeadlineMissed(InfrastructureError, TimeoutError):
    """Something waited for did not become true in time; the message names it and the last exception."""


class CannotWrite(InfrastructureError):
    """The harness cannot write a file; the message names it, and what lets it be written elsewhere."""

    def __init__(self, path: Path | str, why: OSError | str, *, remedy: str) -> None:
        said = why if isinstance(why, str) else why.strerror or type(why).__name__
        super().__init__(f"{path} cannot be written: {said}; {remedy}.")


class OutputLost(InfrastructureError):
    """What a command prints cannot be written; the message says why."""
