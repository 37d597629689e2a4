"""Whether the queues in Redis are right, and by when they have to be."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.client import Client
from harness.history import NS_PER_S, Recorder
from harness.run.broken import LOOK_AGAIN_S, CertainlyBroken, Deadline, PromiseBroken
from harness.run.queues import Queues
from harness.run.recorded import Acked, acked_messages, healed_ns


@dataclass(frozen=True)
class _Wrong:
    what: str
    looked_at_ns: int


class QueueCheck:
    """Checks the queues of mailboxes. `queues` is None for a server that stores its messages differently."""

    def __init__(self, queues: Queues | None, recorder: Recorder, measured: dict[str, Any]) -> None:
        self._queues = queues
        self._recorder = recorder
        self._measured = measured

    def wait_until_right(self, *, but: Client | None = None) -> None:
        """Wait until every queue that has a message is right again, `but` for one user's.

        That must be so 2 s after the last heal. Raise PromiseBroken when it is not, Inconclusive when the
        machine left the server no time for it.
        """
        begin_ns = healed_ns(self._recorder.history())
        due = self._deadline(begin_ns)
        while wrong := self._first_wrong(but=but.username if but is not None else ""):
            if due.has_passed(wrong.looked_at_ns):
                late_s = (wrong.looked_at_ns - begin_ns) / NS_PER_S
                raise CertainlyBroken(f"{late_s:.1f} s after the heal, {wrong.what}")
            time.sleep(LOOK_AGAIN_S)
        after_s = round((time.monotonic_ns() - begin_ns) / NS_PER_S, 3)
        self._measured["queues_right_after_s"] = max(after_s, self._measured.get("queues_right_after_s", 0))

    def require_right(self) -> None:
        """Raise PromiseBroken unless every queue is right now, including those of empty mailboxes."""
        history = self._recorder.history()
        if wrong := self._first_wrong(mailboxes={poll.reader for poll in history.polls}):
            due = self._deadline(healed_ns(history))
            what = f"in the end, {wrong.what}"
            raise CertainlyBroken(what) if due.has_passed(wrong.looked_at_ns) else PromiseBroken(what)

    def record(self, mailboxes: Iterable[str]) -> None:
        """Record these queues and all keys as they are now, for `bounded` to judge."""
        if self._queues is None:
            return
        for mailbox in mailboxes:
            self._recorder.record("queue", **self._queues.look(mailbox))
        self._recorder.record("keys", **self._queues.look_at_all_keys())

    def _deadline(self, since_ns: int) -> Deadline:
        return Deadline(self._recorder, since_ns, self._recorder.history().bounds.recovers_within_s)

    def _first_wrong(self, *, but: str = "", mailboxes: Iterable[str] = ()) -> _Wrong | None:
        """Look at the queues that have a message, `but` for one, and at those of `mailboxes`."""
        if self._queues is None:
            return None
        looked_at_ns = time.monotonic_ns()
        acked = {mailbox: list[Acked]() for mailbox in mailboxes} | acked_messages(self._recorder.history())
        for mailbox, messages in acked.items():
            if mailbox != but and (what := self._queues.wrong(mailbox, messages)):
                return _Wrong(what, looked_at_ns)
        return None
