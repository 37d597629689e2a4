"""What a target's answers mean: its cursors, its order, what it keeps, and which promises it makes."""

from __future__ import annotations

from typing import Literal

from harness.typed import Record, Seconds

ALL = "all"


class Semantics(Record, frozen=True):
    """The semantics of a target, from its profile. The defaults are the reference server's."""

    page_order: Literal["oldest_first", "newest_first"] = "oldest_first"
    """The order of the messages in an answer; the adapter turns every page to oldest first."""
    cursor: Literal["timestamp", "sequence", "id", "token", "header", "none"] = "timestamp"
    """Only `timestamp` and `sequence` can be compared; `none`: what is read is gone (by receipt)."""
    boundary: Literal["exclusive", "inclusive"] = "exclusive"
    """Whether a poll repeats the message that its cursor names."""
    delivery: Literal["exactly_once", "at_least_once"] = "exactly_once"
    order: Literal["total", "per_sender", "none"] = "total"
    retention: Literal["count", "age", "none"] = "count"
    """What may be dropped: what is behind `bounds.retained_messages`, what is older than
    `retained_for_s`, or nothing."""
    retained_for_s: Seconds = 3600.0
    gap_signalled: bool = True
    """Whether an answer says where something was dropped."""
    retry: Literal["idempotency_key", "none"] = "idempotency_key"
    """`none`: a send that is tried again can be stored again."""
    key_holds_s: Seconds | None = None
    """For how long a key makes retries one message; None: for ever."""
    visibility_s: Seconds = 30.0
    """With the cursor `none`: after this time, what was read without a receipt is served again."""
    promises: Literal["all"] | tuple[str, ...] = "all"

    @property
    def is_destructive(self) -> bool:
        """Whether a message that was read is gone for all readers of its mailbox."""
        return self.cursor == "none"

    def promises_to(self, promise: str) -> bool:
        """Whether the target makes this promise."""
        return self.promises == ALL or promise in self.promises
