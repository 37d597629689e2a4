"""A test kit for adapters: it uses one as a scenario does, and says what is wrong with it.

    from harness.adapters import Site
    from harness.adapters.testing import problems_of

    def test_my_adapter_is_right(url_of_my_server):
        assert problems_of(MyAdapter, Site([url_of_my_server])) == []

The server must be one that works: the kit looks for faults of the adapter, not of the server. Where its
answers do not mean what the reference's do, say so: `semantics=Semantics(cursor="none", visibility_s=1)`.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator, Sequence

from harness.adapters.base import Adapter, NewAdapter, Site
from harness.adapters.kit.calls import Wrong, call, contents, poll, send, wrong_message
from harness.adapters.kit.deleting import wrong_where_reading_deletes
from harness.adapters.results import Ack, Failed, Page
from harness.history import Outcome
from harness.semantics import Semantics

CONTENTS = ("first", "  zweite, mit Rändern  ", "third \U0001f642\u202e & <b>%20+\\n</b>")
REFERENCE = Semantics()
SLACK_S = 2.0
"""How much longer than `timeout_s` a request may take to give up, on a busy machine."""


def problems_of(
    new_adapter: NewAdapter,
    site: Site,
    *,
    users: Sequence[tuple[str, str]] = (),
    with_limits: bool = True,
    semantics: Semantics = REFERENCE,
) -> list[str]:
    """Return what is wrong with an adapter, in sentences; [] if it is right.

    `users` are two names and passwords, where users cannot be registered; their mailboxes must be empty.
    Without `with_limits` the server has no limit of a page. Where reading deletes, this takes twice the time
    after which what was read without a receipt is visible again.
    """
    known = users or [(f"kit_{secrets.token_hex(4)}", secrets.token_hex(8)) for _ in range(2)]
    ann, bob = (new_adapter(site, name, password) for name, password in known)
    found: list[str] = []
    twin = new_adapter(site, *known[1])
    try:
        _enter(ann, bob)
        if semantics.is_destructive:
            _sign_in(twin)
            found += wrong_where_reading_deletes(ann, (bob, twin), semantics, with_limits=with_limits)
        else:
            found += _conversation(ann, bob, with_limits=with_limits)
    except Wrong as wrong:
        found.append(str(wrong))
    finally:
        for adapter in (ann, bob, twin):
            adapter.close()
    return found + list(_without_a_server(new_adapter, site, known[0]))


def _enter(*people: Adapter) -> None:
    for each in people:
        if each.registers:
            call("register", each.register)
    for each in people:
        _sign_in(each)


def _sign_in(person: Adapter) -> None:
    if person.signs_in:
        call("sign_in", person.sign_in)


def _conversation(ann: Adapter, bob: Adapter, *, with_limits: bool) -> Iterator[str]:
    """Yield what is wrong with what is read: pages, their order, cursors, and what survives of a message."""
    empty = poll(bob, None)
    if empty.messages:
        yield f"poll of a mailbox that must be empty returned {len(empty.messages)} messages"
        return
    acks = [send(ann, bob, content) for content in CONTENTS]
    whole = poll(bob, None)
    yield from _wrong_messages(whole, ann, bob, acks)
    if [message.content for message in whole.messages] != list(CONTENTS):
        return
    again = poll(bob, whole.next_since)
    if [message.content for message in again.messages] not in ([], [CONTENTS[-1]]):
        yield f"poll from next_since={whole.next_since!r} returned {contents(again)}, but nothing is new"
    if again.next_since is None:
        yield "a page without news has next_since=None, so the next poll would begin at the oldest message"
    bob.close()
    send(ann, bob, "fourth")
    news = poll(bob, whole.next_since)
    if contents(news)[-1:] != ["fourth"] or len(news.messages) > 2:
        yield f"poll from the cursor before a new message returned {contents(news)}, not ['fourth']"
    if with_limits:
        yield from _wrong_pages(bob)


def _wrong_pages(bob: Adapter) -> Iterator[str]:
    everything, since, seen = [*CONTENTS, "fourth"], None, list[str]()
    for _ in range(2 * len(everything)):
        page = poll(bob, since, limit=2)
        if len(page.messages) > 2:
            yield f"poll with limit=2 returned {len(page.messages)} messages"
            return
        seen += [content for content in contents(page) if content not in seen]
        if not page.messages or page.next_since == since:
            break
        since = page.next_since
    if seen != everything:
        yield f"reading pages of 2 from one next_since to the next returned {seen}, not {everything}"


def _wrong_messages(page: Page, ann: Adapter, bob: Adapter, acks: Sequence[Ack]) -> Iterator[str]:
    found = contents(page)
    if found == list(reversed(CONTENTS)):
        yield "poll returned the newest message first: a page must begin with the oldest one"
        return
    if found != list(CONTENTS):
        yield f"poll returned {found}, but {list(CONTENTS)} were sent"
        return
    for message, ack in zip(page.messages, acks, strict=True):
        yield from wrong_message(message, ann, bob, ack)
    if page.next_since is None:
        yield "a page with messages has next_since=None, so the next poll would begin at the oldest message"
    elif not isinstance(page.next_since, str):
        yield f"next_since must be a string, but is {page.next_since!r}"


def _without_a_server(new_adapter: NewAdapter, site: Site, user: tuple[str, str]) -> Iterator[str]:
    """Yield what is wrong where the server refuses connections, and where it is silent."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield from _gives_up(new_adapter, _at(site, closed), user, "that refuses connections")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield from _gives_up(new_adapter, _at(site, silent), user, "that never answers")


def _at(site: Site, listener: socket.socket) -> Site:
    return Site(["http://{}:{}".format(*listener.getsockname())], site.options)


def _gives_up(new_adapter: NewAdapter, site: Site, user: tuple[str, str], what: str) -> Iterator[str]:
    adapter = new_adapter(site, *user)
    start = time.monotonic()
    try:
        adapter.send("nobody", "hi", "an id")
        yield f"send to a server {what} must raise an OSError or harness.adapters.Failed, but returned"
    except Failed as failed:
        if failed.outcome is Outcome.REFUSED:
            yield f"send to a server {what} raised that it was refused, but nothing is known of it"
    except OSError:
        pass
    except Exception as error:  # noqa: BLE001  whatever it is, it is reported
        said = f"{type(error).__name__}: {error}"
        yield f"send to a server {what} raised {said}; it must be an OSError or Failed"
    finally:
        adapter.close()
    took_s = time.monotonic() - start
    if took_s > adapter.timeout_s + SLACK_S:
        yield f"send to a server {what} took {took_s:.0f} s; timeout_s is {adapter.timeout_s:g}"
