"""Notices through Redis pub/sub: see notice.lua. They wake waiting polls and keep the known heads right."""

from __future__ import annotations

import fcntl
import logging
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import redis

from reference_server.known_heads import KnownHeads

log = logging.getLogger(__name__)

CHANNEL = "mailboxes"
_RECONNECT_S = 0.5
_READ_S = 1.0


class Subscriber(Protocol):
    """What can subscribe: a client of redis-py, or a cluster."""

    def pubsub(self) -> Any:
        """Return a subscription that has no channel yet. May raise redis.RedisError."""


class RedisNotifier:
    """A Notifier. One subscription per worker process serves every poll that waits in it.

    It may miss notifications while it reconnects, so a waiting poll also looks by itself now and then.
    """

    def __init__(self, client: Subscriber, known_heads: KnownHeads) -> None:
        self._client = client
        self._known_heads = known_heads
        self._listeners: dict[str, set[threading.Event]] = {}
        self._stopping = threading.Event()

    @property
    def is_stopping(self) -> bool:
        """See Notifier."""
        return self._stopping.is_set()

    @contextmanager
    def listen(self, mailbox: str) -> Iterator[Callable[[float], None]]:
        """See Notifier."""
        notified = threading.Event()
        self._listeners.setdefault(mailbox, set()).add(notified)

        def wait(seconds: float) -> None:
            notified.wait(seconds)
            notified.clear()

        try:
            yield wait
        finally:
            self._listeners[mailbox].discard(notified)
            if not self._listeners[mailbox]:
                del self._listeners[mailbox]

    def notify(self, mailbox: str) -> None:
        """Wake the polls that wait for this mailbox."""
        for notified in tuple(self._listeners.get(mailbox, ())):
            notified.set()

    def stop(self) -> None:
        """Wake every waiting poll and let no poll wait from now on: this process is about to end."""
        self._stopping.set()
        for mailbox in tuple(self._listeners):
            self.notify(mailbox)

    def start(self) -> None:
        """Subscribe in the background; under gevent the thread is a greenlet."""
        threading.Thread(target=self._run, name="notifier", daemon=True).start()

    def _run(self) -> None:
        while not self.is_stopping:
            try:
                self._receive()
            except redis.ResponseError as error:  # Redis answers, but its user may not subscribe
                log.warning("Redis sends no notifications, so waiting polls look once a second: %s", error)
            except redis.RedisError as error:
                log.debug("Notifier lost its connection: %s", error)
            self._known_heads.unsubscribed()
            self._stopping.wait(_RECONNECT_S)

    def _receive(self) -> None:
        """Pass notices on until the connection breaks, or one of them was lost."""
        with self._client.pubsub() as subscription:
            subscription.subscribe(CHANNEL)
            self._take(subscription.get_message(timeout=_READ_S), subscription)
            while self._known_heads.is_subscribed and not self.is_stopping:
                self._take(subscription.get_message(timeout=_READ_S), subscription)

    def _take(self, message: dict[str, Any] | None, subscription: Any) -> None:
        if message is None:
            return
        if message["type"] == "subscribe":  # at first, and whenever the driver has connected again by itself
            self._known_heads.subscribed(_unread(subscription.connection._sock))
            return
        mailbox, count = parse_notice(message["data"])
        self._known_heads.noticed(mailbox, count)
        self.notify(mailbox)


def parse_notice(data: bytes) -> tuple[str, int | None]:
    """Return the mailbox of a notice and its count. A worker of an earlier version does not count."""
    count, _, mailbox = data.decode(errors="replace").rpartition(" ")
    return mailbox, int(count) if count.isdecimal() else None


def _unread(sock: Any) -> Callable[[], bool]:
    """Return a function that returns whether bytes have arrived on a socket that were not read yet."""
    size = bytearray(4)

    def has_unread() -> bool:
        try:
            fcntl.ioctl(sock, termios.FIONREAD, size)
        except (OSError, ValueError):
            return True  # it is closed
        return any(size)

    return has_unread
