"""What waiting polls cost, and how soon a message reaches one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.clients import Connection, request
from benchmarks.mailboxes import TEXT, Mailbox, filled, new_names
from benchmarks.measuring import Effort, Measured, Round, measured
from benchmarks.servers import Reference, Server, Site, polling
from benchmarks.statistics import percentile
from benchmarks.waiters import Waiters, wait_together, waiters

POLLS = 1_000
LONGEST_WAIT_S = 25
"""A client asks for the longest wait that the contract allows."""
WAIT_S = 2.0
"""All rounds together, with what comes before, are shorter than the longest wait."""
SETTLING_S = 2.0
DELIVERIES = 200
FirstWait = Callable[[int], float]
"""Returns how many seconds the first poll of a client waits, by its number."""
STRIDE = 7
"""From one recipient to the next; it has no factor in common with the number of polls."""


def cpu(site: Site, effort: Effort) -> Measured:
    """Measure a server while all polls wait and none ends, beside a bare one of one process."""
    seconds = max(1.0, effort.seconds(WAIT_S))
    with ExitStack() as stack:
        server, bare = stack.enter_context(site.reference()), site.shared_bare(workers=1)
        mailboxes = filled(server, POLLS, messages=1)
        both = [
            stack.enter_context(_bare_waiting(bare, new_names(POLLS), _all_at_once)),
            stack.enter_context(_waiting(server, mailboxes, _all_at_once)),
        ]
        wait_together(both, SETTLING_S)
        return measured(effort, lambda _: _used(server, bare, both, seconds))


def _used(server: Server, bare: Server, both: Sequence[Waiters], seconds: float) -> Round:
    before = server.cpu_s(), bare.cpu_s()
    passed_s = wait_together(both, seconds)
    used = server.cpu_s() - before[0], bare.cpu_s() - before[1]
    return Round(100 * used[0] / passed_s, 100 * used[1] / passed_s)


def delivery(site: Site, effort: Effort) -> Measured:
    """Measure the 99th percentile of the time from a message's ack to its receipt, in milliseconds.

    The bare server is one process: it need not find out which worker holds the poll.
    """
    total = max(100, effort.count(DELIVERIES))
    with ExitStack() as stack:
        server, names = stack.enter_context(site.reference()), new_names(POLLS)
        mailboxes = filled(server, POLLS, messages=1)
        bare_waiting = stack.enter_context(_bare_waiting(site.shared_bare(workers=1), names, _one_by_one))
        waiting = stack.enter_context(_waiting(server, mailboxes, _one_by_one))
        wait_together([waiting, bare_waiting], SETTLING_S)

        def one(number: int) -> Round:
            delays_ms, bare_ms = [], []
            for place in ((number * total + at) * STRIDE % POLLS for at in range(total)):
                send = mailboxes[0].send(TEXT.format(place), to=mailboxes[place].name)
                delays_ms.append(1000 * waiting.delivery_s(place, send))
                bare_ms.append(
                    1000 * bare_waiting.delivery_s(place, request("POST", f"/wake/{names[place]}"))
                )
            beside = {"p50_ms": percentile(delays_ms, 50), "floor_p50_ms": percentile(bare_ms, 50)}
            return Round(percentile(delays_ms, 99), percentile(bare_ms, 99), beside)

        return measured(effort, one)


@contextmanager
def _waiting(server: Reference, mailboxes: Sequence[Mailbox], wait_s: FirstWait) -> Iterator[Waiters]:
    """Yield the owners of these mailboxes, who have read everything, and wait."""
    with Connection(server.address) as connection:
        cursors = [mailbox.cursor(connection) for mailbox in mailboxes]

    def again(number: int, answer: Mapping[str, Any]) -> bytes:
        return _held(mailboxes[number], f"since={answer['next_since']}", LONGEST_WAIT_S)

    owners = enumerate(zip(mailboxes, cursors, strict=True))
    firsts = [_held(mailbox, cursor, wait_s(number)) for number, (mailbox, cursor) in owners]
    with waiters(server.address, firsts, again) as waiting:
        yield waiting


@contextmanager
def _bare_waiting(bare: Server, names: Sequence[str], wait_s: FirstWait) -> Iterator[Waiters]:
    """Yield clients that wait for these names, which no one waited for before."""

    def again(number: int, answer: Mapping[str, Any]) -> bytes:
        return request("GET", f"/wait/{names[number]}?wait={LONGEST_WAIT_S}")

    firsts = [request("GET", f"/wait/{name}?wait={wait_s(number)}") for number, name in enumerate(names)]
    with waiters(bare.address, firsts, again) as waiting:
        yield waiting


def _held(mailbox: Mailbox, cursor: str, wait_s: float) -> bytes:
    return polling(mailbox.token, mailbox.name, f"{cursor}&wait={wait_s:g}")


def _all_at_once(number: int) -> float:
    """Let no poll end while a figure is measured."""
    return LONGEST_WAIT_S


def _one_by_one(number: int) -> float:
    """Let the polls end evenly spread over time, as those of many clients do."""
    return LONGEST_WAIT_S * (number + 1) / POLLS
