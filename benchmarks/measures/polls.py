"""Polls, beside a bare route of the same WSGI server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import cycle

from benchmarks.clients import request
from benchmarks.mailboxes import Mailbox, filled
from benchmarks.measuring import Effort, Load, Measured, compare_costs, loaded
from benchmarks.servers import Server, Site

CLIENTS = 16
HISTORY = 20
"""Messages in the mailbox of an idle client: it has read them all."""
PAGE = 100
REQUESTS = 3_000
PAGES = 600


def idle_poll(site: Site, effort: Effort) -> Measured:
    """Measure polls of clients that have read everything, beside a route that answers the same keys."""
    with ExitStack() as stack:
        server = stack.enter_context(site.reference())
        mailboxes = filled(server, CLIENTS, messages=HISTORY)
        polls = [mailbox.idle_poll(source="redis") for mailbox in mailboxes]
        subject = stack.enter_context(loaded(server, [cycle([poll]) for poll in polls]))
        floor = stack.enter_context(bare_load(stack.enter_context(site.bare()), "/json", mailboxes))
        return compare_costs(subject, floor, effort, requests=REQUESTS)


def full_page(site: Site, effort: Effort) -> Measured:
    """Measure polls that bring a full page, beside a route that answers the same bytes."""
    with ExitStack() as stack:
        server = stack.enter_context(site.reference())
        mailboxes = filled(server, CLIENTS, messages=PAGE)
        polls = [mailbox.page_poll(PAGE) for mailbox in mailboxes]
        subject = stack.enter_context(loaded(server, [cycle([poll]) for poll in polls]))
        bare = stack.enter_context(site.bare(answer=mailboxes[0].answer(polls[0])))
        floor = stack.enter_context(bare_load(bare, "/bytes", mailboxes))
        return compare_costs(subject, floor, effort, requests=PAGES)


def bare_load(bare: Server, path: str, mailboxes: Sequence[Mailbox]) -> AbstractContextManager[Load]:
    """Return a load of a bare route, of requests with the same headers as the polls'."""
    return loaded(bare, [cycle([request("GET", path, token=mailbox.token)]) for mailbox in mailboxes])
