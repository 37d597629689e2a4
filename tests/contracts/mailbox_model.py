"""A mailbox without stores, workers and faults: one list of messages that only grows."""

from __future__ import annotations

from dataclasses import dataclass

from reference_server.message import Message


@dataclass(frozen=True)
class Entry:
    """One message as it must be, whatever happened to its send."""

    seq: int
    timestamp_us: int
    content: str
    client_id: str | None


@dataclass(frozen=True)
class Answer:
    """What a poll must say. Contents stand for messages: every one is unique."""

    contents: tuple[str, ...]
    has_more: bool
    gap: bool


class MailboxModel:
    """A mailbox. A reader without a cursor starts `window` messages and `age_us` back."""

    def __init__(self, *, window: int, age_us: int) -> None:
        self.entries: list[Entry] = []
        self._window = window
        self._age_us = age_us

    def __len__(self) -> int:
        return len(self.entries)

    def append(self, content: str, client_id: str | None, now_us: int) -> Entry:
        """Add a message: the next seq, and the time, but always later than the one before."""
        before_us = self.entries[-1].timestamp_us if self.entries else 0
        entry = Entry(len(self) + 1, max(now_us, before_us + 1), content, client_id)
        self.entries.append(entry)
        return entry

    def sent_as(self, client_id: str | None) -> Entry | None:
        """The message with the sender's own id, if it was ever stored."""
        return next((entry for entry in self.entries if client_id and entry.client_id == client_id), None)

    def poll(self, since_us: int | None, limit: int, *, head: int, now_us: int) -> Answer:
        """The right answer while the newest message is number `head`."""
        visible = self.entries[:head]
        if since_us is None:
            oldest_us = now_us - self._age_us
            found = [entry for entry in visible[-self._window :] if entry.timestamp_us > oldest_us]
            gap = (found[0].seq if found else head + 1) > 1
        else:
            found = [entry for entry in visible if entry.timestamp_us > since_us]
            gap = False
        return Answer(tuple(entry.content for entry in found[:limit]), len(found) > limit, gap)


def entry_of(message: Message) -> Entry:
    """A message as the model knows it."""
    return Entry(message.seq, message.timestamp_us, message.content, message.client_message_id)
