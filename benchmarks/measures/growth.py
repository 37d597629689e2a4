"""What a send and the poll that brings it cost, with few messages or users and with many.

The CPU time of the server, Redis and MongoDB together: a scan of a store is a cost of the store.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.clients import Connection
from benchmarks.machine import cpu_s
from benchmarks.mailboxes import TEXT, Mailbox, filled, stored
from benchmarks.measuring import MICRO, Effort, Measured, Round, measured
from benchmarks.servers import Site, polling
from harness.errors import InfrastructureError

EXCHANGES = 80
ACTIVE = 2
"""Users who write and poll; there are as many of them on both sides."""
FEW_MESSAGES, MANY_MESSAGES = 100, 10_000
FEW_USERS, MANY_USERS = 10, 10_000
MESSAGES_EACH = 2
"""Of every user, for the growth by users."""


def by_messages(site: Site, effort: Effort) -> Measured:
    """Measure mailboxes of 10,000 messages beside mailboxes of 100, on one server."""
    with ExitStack() as stack:
        server = site.shared_reference()
        filled(server, 1, messages=1)  # the server makes its indexes
        many = stored(server, ACTIVE, messages=MANY_MESSAGES)
        few = stored(server, ACTIVE, messages=FEW_MESSAGES)
        return _compare(site, effort, stack, many, few)


def by_users(site: Site, effort: Effort) -> Measured:
    """Measure a server with 10,000 users beside one with 10."""
    with ExitStack() as stack:
        sides = []
        for users in (MANY_USERS, FEW_USERS):
            server = stack.enter_context(site.reference())
            filled(server, 1, messages=1)
            sides.append(stored(server, users, messages=MESSAGES_EACH)[:ACTIVE])
        return _compare(site, effort, stack, *sides)


def _compare(
    site: Site, effort: Effort, stack: ExitStack, many: Sequence[Mailbox], few: Sequence[Mailbox]
) -> Measured:
    total = max(2 * ACTIVE, effort.count(EXCHANGES))
    larger, smaller = (
        Conversations(site, stack.enter_context(Connection(boxes[0].server.address)), boxes)
        for boxes in (many, few)
    )

    def one(number: int) -> Round:
        if number % 2:
            floor = smaller.cost_us(total)
            return Round(larger.cost_us(total), floor)
        return Round(larger.cost_us(total), smaller.cost_us(total))

    for side in (larger, smaller):
        side.cost_us(4 * ACTIVE)  # each worker has met each mailbox
    return measured(effort, one)


class Conversations:
    """Users who send to themselves and read it, one after another on one connection."""

    def __init__(self, site: Site, connection: Connection, mailboxes: Sequence[Mailbox]) -> None:
        self._site = site
        self._connection = connection
        self._server = mailboxes[0].server
        self._cursors = {mailbox: mailbox.cursor(connection) for mailbox in mailboxes}
        self._turns = itertools.cycle(mailboxes)

    def cost_us(self, total: int) -> float:
        """Return the CPU time of a send and the poll that brings it, in microseconds."""
        before_s = self._used_s()
        for mailbox in itertools.islice(self._turns, total):
            self._exchange(mailbox)
        return (self._used_s() - before_s) / total * MICRO

    def _used_s(self) -> float:
        return self._server.cpu_s() + cpu_s(self._site.stores())

    def _exchange(self, mailbox: Mailbox) -> None:
        self._connection.ask(mailbox.send(TEXT.format(0)))
        poll = polling(mailbox.token, mailbox.name, self._cursors[mailbox])
        answer = json.loads(self._connection.ask(poll))
        if answer["count"] != 1:
            raise InfrastructureError(f"A poll after one send brought {answer['count']} messages.")
        self._cursors[mailbox] = f"since={answer['next_since']}"
