"""Sends, beside the drivers alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.clients import Connection, drive
from benchmarks.floor import Crowd, Drivers, crowd, drivers
from benchmarks.mailboxes import TEXT, Mailbox, filled
from benchmarks.measuring import MICRO, Effort, Load, Measured, Round, loaded, measured
from benchmarks.servers import WORKERS, Site

SENDS = 100
CLIENTS = 16
CROWD_SENDS = 960


def latency(site: Site, effort: Effort) -> Measured:
    """Measure the median time until a send of the only client is acked, beside the drivers' in turn."""
    with ExitStack() as stack:
        server = site.shared_reference()
        (mailbox,) = filled(server, 1, messages=20)
        connection = stack.enter_context(Connection(server.address))
        services = site.services
        floor = stack.enter_context(drivers(services.mongodb_direct_url, services.redis_direct_url))
        total = max(20, effort.count(SENDS))
        return measured(effort, lambda _: _one_after_another(mailbox, connection, floor, total))


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


def throughput(site: Site, effort: Effort) -> Measured:
    """Measure the sends per second of many clients, each into a mailbox of its own."""
    return _throughput(site, effort, mailboxes=CLIENTS)


def hot_mailbox(site: Site, effort: Effort) -> Measured:
    """Measure the sends per second of many clients into one mailbox."""
    return _throughput(site, effort, mailboxes=1)


def _throughput(site: Site, effort: Effort, *, mailboxes: int) -> Measured:
    total = max(4 * CLIENTS, effort.count(CROWD_SENDS))
    with ExitStack() as stack:
        server = site.shared_reference()
        senders = filled(server, CLIENTS, messages=5)
        recipients = [senders[number % mailboxes] for number in range(CLIENTS)]
        floor = stack.enter_context(crowd(site.services, processes=WORKERS, clients=CLIENTS))
        floor.sends_per_s(total)
        load = stack.enter_context(loaded(server, [iter(()) for _ in senders]))
        return measured(
            effort, lambda number: _round(number, load, floor, _scripts(senders, recipients, total))
        )


def _scripts(senders: Sequence[Mailbox], recipients: Sequence[Mailbox], total: int) -> list[list[bytes]]:
    """Return what each client sends, made before time is measured."""
    each = total // len(senders)
    return [
        [one.send(TEXT.format(number), to=recipient.name) for number in range(each)]
        for one, recipient in zip(senders, recipients, strict=True)
    ]


def _round(number: int, load: Load, floor: Crowd, scripts: Sequence[Sequence[bytes]]) -> Round:
    total = sum(map(len, scripts))
    floors = floor.sends_per_s(total) if number % 2 else 0.0
    before_s = load.server.cpu_s()
    driven = drive(load.connections, [iter(script) for script in scripts], total)
    cpu_us = (load.server.cpu_s() - before_s) / total * MICRO
    p50_us = statistics.median(driven.latencies_s) * MICRO
    beside = {"cpu_us": cpu_us, "p50_us": p50_us, "generator_share": driven.generator_share}
    beside["unavailable"] = driven.unavailable
    return Round(total / driven.wall_s, floors or floor.sends_per_s(total), beside)
