"""The doorbell through Redis pub/sub: push.lua publishes the recipient's name on channel `mailboxes`."""

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


class RedisDoorbell:
    """A Doorbell. One subscription a worker process serves every poll that waits in it.

    It may miss a ring while it reconnects, so a waiting poll also looks by itself now and then.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._listeners: dict[str, set[threading.Event]] = {}
        self._stopping = threading.Event()

    @property
    def is_stopping(self) -> bool:
        """See Doorbell."""
        return self._stopping.is_set()

    @contextmanager
    def listen(self, mailbox: str) -> Iterator[Callable[[float], None]]:
        """See Doorbell."""
        rung = threading.Event()
        self._listeners.setdefault(mailbox, set()).add(rung)

        def wait(seconds: float) -> None:
            rung.wait(seconds)
            rung.clear()

        try:
            yield wait
        finally:
            self._listeners[mailbox].discard(rung)
            if not self._listeners[mailbox]:
                del self._listeners[mailbox]

    def ring(self, mailbox: str) -> None:
        """Wake the polls that wait for this mailbox."""
        for rung in tuple(self._listeners.get(mailbox, ())):
            rung.set()

    def stop(self) -> None:
        """Wake every waiting poll, and let nobody wait any more: this process is about to end."""
        self._stopping.set()
        for mailbox in tuple(self._listeners):
            self.ring(mailbox)

    def start(self) -> threading.Thread:
        """Listen to Redis in the background; under gevent this is a greenlet."""
        thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        while not self.is_stopping:
            try:
                self._hear()
            except redis.ResponseError as error:  # it answers: the user may not subscribe
                log.warning("Waiting polls look once a second, as Redis tells them nothing: %s", error)
                self._stopping.wait(_RECONNECT_S)
            except redis.RedisError as error:
                log.debug("Doorbell is deaf: %s", error)
                self._stopping.wait(_RECONNECT_S)

    def _hear(self) -> None:
        """Pass rings on until the connection breaks."""
        subscription = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        with subscription:
            subscription.subscribe(CHANNEL)
            while not self.is_stopping:
                message = subscription.get_message(timeout=_READ_S)
                if message is not None:
                    self.ring(message["data"].decode(errors="replace"))
