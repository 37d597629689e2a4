"""Polls that come while the queue is read for another one are answered by what the next read finds out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from harness.stack import wait_until
from reference_server.errors import QueueUnavailable
from reference_server.known_heads import LEASE_S
from tests.unit.server.crowd import FIRST, Crowd
from tests.unit.server.world import Process, World


class Reader:
    """Reads the queue in place of `world.queue`; the first read is answered when a test lets it."""

    def __init__(self, world: World) -> None:
        self.may_answer = threading.Event()
        self.asked: list[str] = []
        self.fails: Exception | None = None
        self._read = world.queue.read
        world.queue.read = self.read

    def read(self, mailbox: str, *arguments: Any) -> Any:
        self.asked.append(mailbox)
        if len(self.asked) == 1:
            assert self.may_answer.wait(30)
        if self.fails:
            raise self.fails
        return self._read(mailbox, *arguments)


class Polls(Crowd):
    """Polls of a process whose lease has lapsed; the first one has begun to read."""

    def __init__(self, world: World, process: Process) -> None:
        self.process, self.world = process, world
        world.store.users |= dict.fromkeys((FIRST, "dave"), "hash")
        self.since = {name: process.send("hi", to=name).message.timestamp_us for name in world.store.users}
        for name, since_us in self.since.items():
            process.poll(since_us, mailbox=name)
        world.clock.advance(2 * LEASE_S)
        self.reader = Reader(world)
        super().__init__(process.messenger._shared_reads._turns, AssertionError, self.reader.may_answer)
        self.poll(FIRST)
        wait_until(lambda: self.reader.asked == [FIRST], deadline_s=10, what="the first read")

    def poll(self, *mailboxes: str) -> None:
        for mailbox in mailboxes:
            self.begin(mailbox, partial(self.process.messenger.poll, mailbox, self.since[mailbox], 50))

    def sources(self) -> dict[str, tuple[str, int]]:
        """Let all go. Return where the answers of those behind the first came from, and how many messages."""
        return {
            name: (polled.source, len(polled.page.messages)) for name, polled in self.end_of_others().items()
        }


@pytest.fixture
def crowd(world: World, process: Process) -> Iterator[Polls]:
    crowd = Polls(world, process)
    yield crowd
    crowd.end()


def test_those_who_wait_share_a_read_that_begins_after_they_came(crowd: Polls) -> None:
    crowd.world.clock.advance(2 * LEASE_S)  # so the first read shows nothing any more
    crowd.poll("bob", "carol", "dave")
    assert crowd.sources() == dict.fromkeys(("bob", "carol", "dave"), ("redis", 0))
    assert crowd.reader.asked == [FIRST, "bob"]


def test_a_read_of_a_moment_ago_answers_them_too(crowd: Polls) -> None:
    crowd.poll("bob", "carol")
    assert crowd.sources() == dict.fromkeys(("bob", "carol"), ("redis", 0))
    assert crowd.reader.asked == [FIRST]


def test_who_has_a_message_whose_notice_was_lost_reads_it(crowd: Polls) -> None:
    """The shared read tells how many pushes were counted: so one notice is missing."""
    crowd.world.queue.subscribers.clear()
    crowd.world.process().send("again", to="dave")
    crowd.world.clock.advance(2 * LEASE_S)
    crowd.poll("bob", "dave")
    assert crowd.sources() == {"bob": ("redis", 0), "dave": ("redis", 1)}


def test_who_knows_nothing_of_its_mailbox_does_not_wait(crowd: Polls) -> None:
    crowd.process.known_heads.forget("bob")
    polled = crowd.process.messenger.poll("bob", crowd.since["bob"], 50)
    assert (polled.source, crowd.reader.asked) == ("redis", [FIRST, "bob"])


def test_a_queue_that_is_unavailable_is_so_for_all_who_wait(crowd: Polls) -> None:
    crowd.poll("bob", "carol", "dave")
    crowd.reader.fails = QueueUnavailable("silence")
    assert crowd.sources() == dict.fromkeys(("bob", "carol", "dave"), ("mongodb", 0))
    assert crowd.reader.asked == [FIRST]
