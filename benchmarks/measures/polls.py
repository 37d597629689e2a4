"""Polls, beside a bare route of the same WSGI server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import cycle

from benchmarks.clients import request
from benchmarks.mailboxes import Mailbox, filled
from benchmarks.measuring import Effort, Load, Measured, compare_costs, loaded
from benchmarks.servers import Reference, Server, Site
from harness.stack import wait_until

CLIENTS = 16
HISTORY = 20
"""Messages in the mailbox of an idle client: it has read them all."""
PAGE = 100
REQUESTS = 2_000
PAGES = 600
NOTICED_S = 10.0


def idle_poll(site: Site, effort: Effort) -> Measured:
    """Measure polls of clients that have read everything, beside a route that answers the same keys."""
    with ExitStack() as stack:
        server = site.shared_reference()
        mailboxes = filled(server, CLIENTS, messages=HISTORY)
        subject = stack.enter_context(idle_load(server, mailboxes))
        floor = stack.enter_context(bare_load(site.shared_bare(), "/json", mailboxes))
        return compare_costs(subject, floor, effort, requests=REQUESTS)


def full_page(site: Site, effort: Effort) -> Measured:
    """Measure polls that bring a full page, beside a route that answers the same bytes."""
    with ExitStack() as stack:
        server = site.shared_reference()
        mailboxes = filled(server, CLIENTS, messages=PAGE)
        polls = [mailbox.page_poll(PAGE) for mailbox in mailboxes]
        subject = stack.enter_context(loaded(server, [cycle([poll]) for poll in polls]))
        site.set_bare_answer(mailboxes[0].answer(polls[0]))
        floor = stack.enter_context(bare_load(site.shared_bare(), "/bytes", mailboxes))
        return compare_costs(subject, floor, effort, requests=PAGES)


def degraded_poll(site: Site, effort: Effort) -> Measured:
    """Measure idle polls of a server whose Redis is out, beside those of one whose Redis is well."""
    with ExitStack() as stack:
        broken = stack.enter_context(site.reference(redis_url=site.services.redis_url))
        subject = stack.enter_context(
            idle_load(broken, mailboxes := filled(broken, CLIENTS, messages=HISTORY))
        )
        well = site.shared_reference()
        floor = stack.enter_context(idle_load(well, filled(well, CLIENTS, messages=HISTORY)))
        stack.enter_context(_redis_is_out(site))
        for mailbox in mailboxes:  # each worker has noticed it by then
            wait_until(mailbox.is_degraded, deadline_s=NOTICED_S, what="polls without Redis")
        return compare_costs(subject, floor, effort, requests=REQUESTS)


@contextmanager
def _redis_is_out(site: Site) -> Iterator[None]:
    """Cut the way through the proxy; other servers reach Redis directly."""
    proxy = site.services.proxies["redis"]
    proxy.disable()
    try:
        yield
    finally:
        proxy.enable()


def idle_load(server: Reference, mailboxes: Sequence[Mailbox]) -> AbstractContextManager[Load]:
    """Return a load of polls that bring nothing, each looked at before."""
    return loaded(server, [cycle([mailbox.idle_poll()]) for mailbox in mailboxes])


def bare_load(bare: Server, path: str, mailboxes: Sequence[Mailbox]) -> AbstractContextManager[Load]:
    """Return a load of a bare route, of requests with the same headers as the polls'."""
    return loaded(bare, [cycle([request("GET", path, token=mailbox.token)]) for mailbox in mailboxes])
