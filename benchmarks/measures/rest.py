"""What a server costs while it does nothing."""

from __future__ import annotations

from benchmarks.mailboxes import filled
from benchmarks.measuring import Effort, Measured, Round, let_pass, measured
from benchmarks.servers import Server, Site

REST_S = 3.0
SETTLING_S = 5.0
"""After the last request: what a server does then for a while is not rest."""


def at_rest(site: Site, effort: Effort) -> Measured:
    """Measure both servers at the same time, after users have been there and have left."""
    server, bare = site.shared_reference(), site.shared_bare()
    for mailbox in filled(server, 4, messages=5):
        mailbox.idle_poll()
    let_pass(SETTLING_S)
    seconds = max(1.0, effort.seconds(REST_S))
    return measured(effort, lambda _: percent_of_a_core(server, bare, seconds))


def percent_of_a_core(server: Server, bare: Server, seconds: float) -> Round:
    """Return what each worker of both servers uses in this time; the master is shared among them."""
    before = server.cpu_s(), bare.cpu_s()
    passed_s = let_pass(seconds)
    used = server.cpu_s() - before[0], bare.cpu_s() - before[1]
    subject, floor = (100 * used_s / passed_s / server.workers for used_s in used)
    return Round(subject, floor)
