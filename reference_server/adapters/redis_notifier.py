"""Notifications through Redis pub/sub: push.lua publishes the recipient's name on channel `mailboxes`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

log = logging.getLogger(__name__)

CHANNEL = "mailboxes"
_RECONNECT_S = 0.5
_READ_S = 1.0


class RedisNotifier:
    """A Notifier. One subscription per worker process serves every poll that waits in it.

    It may miss notifications while it reconnects, so a waiting poll also looks by itself now and then.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
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
                self._stopping.wait(_RECONNECT_S)
            except redis.RedisError as error:
                log.debug("Notifier lost its connection: %s", error)
                self._stopping.wait(_RECONNECT_S)

    def _receive(self) -> None:
        """Pass notifications on until the connection breaks."""
        subscription = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        with subscription:
            subscription.subscribe(CHANNEL)
            while not self.is_stopping:
                message = subscription.get_message(timeout=_READ_S)
                if message is not None:
                    self.notify(message["data"].decode(errors="replace"))
