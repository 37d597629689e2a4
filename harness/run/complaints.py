"""Wrong answers to legal requests that no checker judges."""

from __future__ import annotations

from collections.abc import Collection

from harness.adapters.manners import Manner
from harness.client import Ack, Result
from harness.history import Recorder

ENOUGH_SENDS = 10
"""If this many sends are refused and none is accepted, the fault is not in the messages."""


class Complaints:
    """What answers to legal requests got wrong. Threads may share it.

    A server may slow clients down: a send that is answered with a status of `slowed` is not refused.
    """

    def __init__(self, recorder: Recorder, *, slowed: Collection[int]) -> None:
        self._recorder = recorder
        self._slowed = slowed
        self._noted: list[str] = []

    def note(self, what: str) -> None:
        """Note what was wrong with an answer."""
        self._noted.append(what)

    def note_refusal(self, manner: Manner, answer: Result[Ack]) -> None:
        """Note that a legal send was answered 4xx, unless that only slows the client down."""
        if answer.status not in self._slowed:
            how = ", ".join(manner.special) or "nothing special about it"
            self.note(f"a legal send was answered {answer.status} ({how}): {answer.detail}")

    def all(self) -> list[str]:
        """Return all that was wrong so far, in sentences."""
        nothing_accepted = ["the server refused every send"] * self._is_all_refused()
        return nothing_accepted + self._noted

    def _is_all_refused(self) -> bool:
        sends = self._recorder.history().sends
        return len(sends) >= ENOUGH_SENDS and all(
            send.status is not None and 400 <= send.status < 500 and send.status not in self._slowed
            for send in sends
        )
