"""What a server costs while it does nothing."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.mailboxes import filled
from benchmarks.measuring import Effort, Measured, Round, let_pass, measured
from benchmarks.servers import Server, Site

REST_S = 5.0


def at_rest(site: Site, effort: Effort) -> Measured:
    """Measure both servers at the same time, after users have been there and have left."""
    with ExitStack() as stack:
        server = stack.enter_context(site.reference())
        for mailbox in filled(server, 4, messages=5):
            mailbox.idle_poll(source="redis")
        bare = stack.enter_context(site.bare())
        seconds = max(2.0, effort.seconds(REST_S))
        return measured(effort, lambda number: percent_of_a_core(server, bare, seconds))


def percent_of_a_core(server: Server, bare: Server, seconds: float) -> Round:
    """Return what each worker of both servers uses in this time; the master is shared among them."""
    before = server.cpu_s(), bare.cpu_s()
    passed_s = let_pass(seconds)
    used = server.cpu_s() - before[0], bare.cpu_s() - before[1]
    subject, floor = (100 * used_s / passed_s / server.workers for used_s in used)
    return Round(subject, floor)
