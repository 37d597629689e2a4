"""A server in this process, on stores that can be broken, with a clock that only a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from reference_server.adapters.memory import MemoryQueue, MemoryStore
from reference_server.catch_up import CatchUp
from reference_server.errors import OutcomeUnknown, QueueUnavailable, StoreUnavailable
from reference_server.interfaces import Accepted, Conversation, Cursor, Incomplete, Page, Rebuild, Untrusted
from reference_server.known_heads import KnownHeads
from reference_server.message import Draft, Message
from reference_server.rechecks import Rechecks
from reference_server.relay import Relay
from reference_server.rhythm import Rhythm
from reference_server.service import Messenger
from reference_server.stale_queues import StaleQueues

NOON_US = 1_767_268_800_000_000
WINDOW = 5
MONTH_S = 30 * 24 * 3600


class Clock:
    """Both clocks of a machine: `now_us` of the wall, `monotonic` in seconds."""

    def __init__(self) -> None:
        self.us = NOON_US

    def now_us(self) -> int:
        return self.us

    def monotonic(self) -> float:
        return self.us / 1_000_000

    def advance(self, seconds: float) -> None:
        self.us += round(seconds * 1_000_000)


class BreakableQueue(MemoryQueue):
    """`down` fails every call, `read_only` every write; `before_push` does what others do ahead of a push."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self.down = self.read_only = False
        self.before_push: Callable[[], object] = lambda: None

    def probe(self) -> bool:
        return not (self.down or self.read_only)

    def push(self, recipient: str, batch: Sequence[Message], claim: str | None = None) -> Accepted | Rebuild:
        self.before_push()
        self._fail_if_down()
        if self.read_only:
            raise QueueUnavailable("You can't write against a read only replica.")
        return super().push(recipient, batch, claim)

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page | Untrusted | Incomplete:
        self._fail_if_down()
        return super().read(recipient, cursor, limit)

    def _fail_if_down(self) -> None:
        if self.down or self.breaker.is_open:
            raise QueueUnavailable("Connection refused") from ConnectionRefusedError("Connection refused")


class BreakableStore(MemoryStore):
    """`down` fails every call; `answers_lost` does what it is asked to and fails nevertheless."""

    def __init__(self, *, window: int) -> None:
        super().__init__(window=window)
        self.down = False
        self.answers_lost = False
        self.prepared = 0
        self.asked = 0

    def probe(self) -> bool:
        return not self.down

    def _fail_if_down(self) -> None:
        self.asked += 1
        if self.down or self.breaker.is_open:
            raise StoreUnavailable("MongoDB: connection refused")

    def prepare(self) -> None:
        self._fail_if_down()
        self.prepared += 1

    def append(self, draft: Draft, now_us: int) -> Message:
        self._fail_if_down()
        message = super().append(draft, now_us)
        if self.answers_lost:
            raise OutcomeUnknown("MongoDB: timed out")
        return message

    def tail(self, recipient: str, limit: int) -> list[Message]:
        self._fail_if_down()
        return super().tail(recipient, limit)

    def following(self, recipient: str, seq: int, limit: int) -> list[Message]:
        self._fail_if_down()
        return super().following(recipient, seq, limit)

    def read(self, recipient: str, cursor: Cursor, limit: int) -> Page:
        self._fail_if_down()
        return super().read(recipient, cursor, limit)

    def conversation(self, one: str, other: str, before_us: int | None, limit: int) -> list[Message]:
        self._fail_if_down()
        return super().conversation(one, other, before_us, limit)

    def conversations(self, user: str, limit: int) -> list[Conversation]:
        self._fail_if_down()
        return super().conversations(user, limit)

    def recent_recipients(self, limit: int) -> set[str]:
        self._fail_if_down()
        return super().recent_recipients(limit)

    def record(self, recipient: str, seq: int) -> None:
        self._fail_if_down()
        super().record(recipient, seq)

    def pending(self) -> Mapping[str, int]:
        self._fail_if_down()
        return super().pending()

    def remove(self, recipient: str, seq: int) -> None:
        self._fail_if_down()
        super().remove(recipient, seq)

    def add(self, username: str, password_hash: str) -> bool:
        self._fail_if_down()
        return super().add(username, password_hash)

    def password_hash(self, username: str) -> str | None:
        self._fail_if_down()
        return super().password_hash(username)

    def exists(self, username: str) -> bool:
        self._fail_if_down()
        return super().exists(username)


class InstantNotifier:
    """Waiting takes no time but moves the clock; `on_wait` is called then, to do what others do meanwhile.

    Who waits is woken after `wakes_after_s` at the latest.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.is_stopping = False
        self.waits_s: list[float] = []
        self.wakes_after_s = float("inf")
        self.woken: list[str] = []
        self.on_wait: Callable[[], object] = lambda: None

    @contextmanager
    def listen(self, mailbox: str) -> Iterator[Callable[[float], None]]:
        def wait(seconds: float) -> None:
            self.waits_s.append(seconds)
            self._clock.advance(min(seconds, self.wakes_after_s))
            self.on_wait()

        yield wait

    def notify(self, mailbox: str) -> None:
        self.woken.append(mailbox)


class MemoryRedis:
    """The faults of Redis, applied to the in-memory queue: see tests/contracts/mailbox_machine.py."""

    def __init__(self, queue: BreakableQueue) -> None:
        self._queue = queue

    def down(self) -> None:
        self._queue.down = True

    def read_only(self) -> None:
        self._queue.read_only = True

    def up(self) -> None:
        self._queue.down = self._queue.read_only = False

    def empty(self) -> None:
        self._queue.read_only = False
        for recipient in {*self._queue.lists, *self._queue.claims}:
            self._queue.lose(recipient)

    def snapshot(self) -> None:
        """Nothing: no list of before a restart can be trusted, and this queue holds only what can."""

    restore = switch = empty

    def damage(self) -> None:
        self._queue.lists.pop("bob", None)

    def length(self) -> int:
        return len(self._queue.lists.get("bob", ()))


def covers(known_heads: KnownHeads, mailbox: str, since_us: int) -> bool:
    """Return whether a poll that begins now need not ask."""
    return known_heads.cover(mailbox, since_us, known_heads._monotonic())


class World:
    """Stores, and the processes that share them."""

    window = WINDOW

    def __init__(self) -> None:
        self.clock = Clock()
        self.queue: Any = BreakableQueue(limit=WINDOW)
        self.redis: Any = MemoryRedis(self.queue)
        self.store: Any = BreakableStore(window=WINDOW)
        for name in ("alice", "bob", "carol"):
            self.store.users[name] = "hash"
        self.notifier = InstantNotifier(self.clock)

    def process(self) -> Process:
        return Process(self)

    def queue_of_a_process(self, known_heads: KnownHeads) -> Any:
        """All processes share the in-memory queue; others have one breaker per process."""
        return self.queue

    def subscribe(self, known_heads: KnownHeads) -> Callable[[], object]:
        """Let a process take the notices of its queue; return what takes those that have arrived."""
        self.queue.subscribers.append(known_heads.noticed)
        known_heads.subscribed(lambda: False)
        return lambda: None

    def close(self) -> None:
        """Nothing is left of it."""


class Process:
    """One worker: its service and its relay. It has read the outbox once, as a started worker has."""

    def __init__(self, world: World) -> None:
        self.stale_queues = StaleQueues(world.clock.monotonic)
        self.rhythm = Rhythm(world.clock.monotonic)
        self.known_heads = KnownHeads(world.clock.monotonic)
        self.queue = world.queue_of_a_process(self.known_heads)
        self.take_notices = world.subscribe(self.known_heads)
        self.catch_up = CatchUp(self.queue, world.store, self.known_heads, window=WINDOW)
        self.rechecks = Rechecks(
            self.stale_queues, self.known_heads, world.notifier, self.rhythm, world.clock.monotonic
        )
        self.messenger = Messenger(
            self.queue,
            world.store,
            world.store,
            self.catch_up,
            self.stale_queues,
            self.known_heads,
            world.notifier,
            self.rechecks,
            self.rhythm,
            window_age_s=MONTH_S,
            now_us=world.clock.now_us,
            monotonic=world.clock.monotonic,
        )
        self.relay = Relay(
            self.queue,
            world.store,
            world.store,
            self.catch_up,
            self.stale_queues,
            self.known_heads,
            self.rhythm,
        )
        self.relay.step()

    def send(self, content: str, *, to: str = "bob", by: str = "alice", client_id: str | None = None) -> Any:
        return self.messenger.send(by, to, content, client_id)

    def poll(self, since_us: int | None = None, *, mailbox: str = "bob", limit: int = 50) -> Any:
        self.take_notices()
        return self.messenger.poll(mailbox, since_us, limit)

    def contents(self, since_us: int | None = None) -> list[str]:
        return [message.content for message in self.poll(since_us).page.messages]
