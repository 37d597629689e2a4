from __future__ import annotations

import fcntl
import threading
from pathlib import Path

from harness.runner.alone import the_machine
from harness.stack import wait_until


class Row(threading.Thread):
    """Somebody who wants the machine, and keeps it until told to end."""

    def __init__(self, folder: Path, *, alone: bool) -> None:
        super().__init__(daemon=True)
        self.has_it, self.may_end = threading.Event(), threading.Event()
        self._folder, self._alone = folder, alone
        self.start()

    def run(self) -> None:
        with the_machine(self._folder, alone=self._alone):
            self.has_it.set()
            self.may_end.wait(30)

    def end(self) -> None:
        self.may_end.set()
        self.join(30)


def gate_is_shut(folder: Path) -> bool:
    with (folder / ".gate").open("a", encoding="utf-8") as gate:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_who_must_be_alone_waits_until_all_are_gone_and_lets_nobody_pass(tmp_path: Path) -> None:
    one, other = Row(tmp_path, alone=False), Row(tmp_path, alone=False)
    assert one.has_it.wait(10)
    assert other.has_it.wait(10)
    measuring = Row(tmp_path, alone=True)
    wait_until(lambda: gate_is_shut(tmp_path), deadline_s=10, what="the gate to be shut")
    late = Row(tmp_path, alone=False)
    one.end()
    assert not measuring.has_it.wait(0.1)
    assert not late.has_it.wait(0.1)
    other.end()
    assert measuring.has_it.wait(10)
    assert not late.has_it.wait(0.1)
    measuring.end()
    assert late.has_it.wait(10)
    late.end()
