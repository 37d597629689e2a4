"""Sends, beside the drivers alone."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack

from benchmarks.clients import Connection, drive
from benchmarks.floor import Drivers, drivers
from benchmarks.mailboxes import TEXT, Mailbox, filled
from benchmarks.measuring import Effort, Measured, Round, measured
from benchmarks.servers import Site

SENDS = 100
MICRO = 1e6


def latency(site: Site, effort: Effort) -> Measured:
    """Measure the median time until a send of the only client is acked, beside the drivers' in turn."""
    with ExitStack() as stack:
        server = stack.enter_context(site.reference())
        (mailbox,) = filled(server, 1, messages=20)
        connection = stack.enter_context(Connection(server.address))
        floor = stack.enter_context(drivers(site.services))
        total = max(20, effort.count(SENDS))
        return measured(effort, lambda number: _one_after_another(mailbox, connection, floor, total))


def _one_after_another(mailbox: Mailbox, connection: Connection, floor: Drivers, total: int) -> Round:
    """Return a round in which each send is followed by one of the drivers: both meet the same machine."""
    before_s = mailbox.server.cpu_s()
    sends, floors = [], []
    for number in range(total):
        sends.append(drive([connection], [iter([mailbox.send(TEXT.format(number))])], 1).latencies_s[0])
        began = time.perf_counter()
        floor.send(number)
        floors.append(time.perf_counter() - began)
    cpu_us = (mailbox.server.cpu_s() - before_s) / total * MICRO
    return Round(statistics.median(sends) * MICRO, statistics.median(floors) * MICRO, {"cpu_us": cpu_us})
