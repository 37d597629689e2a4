"""Mutants that only some traffic shows: something unusual about a message, request, mailbox or reader.

A target runs two workers that do not share memory, so what both must know is read from the store.
"""

from __future__ import annotations

import re
import time
import unicodedata
from dataclasses import replace

from reference_server.adapters.mongo_store import MongoStore
from reference_server.blueprints import messages, requests
from reference_server.interfaces import page_of
from reference_server.service import Messenger, Polled
from reference_server.timestamps import format_timestamp, parse_timestamp
from tests.mutants.registry import STORY, mutant

_content, _form_fields, _to_wire = messages._content, requests._form_fields, messages.to_wire
_append, _look, _poll = MongoStore.append, Messenger._look, Messenger.poll
CONTENT = "blueprints.messages:_content"
LARGEST_PAGE = 100
MORE_THAN_IS_SENT = 1000
GONE_AFTER_US = 3_000_000
DAY_US = 86_400 * 1_000_000


def _look_past(shown_of):
    """Replace Messenger._look: messages that `shown_of` leaves out are acked and stored, but in no page.

    Otherwise pages are right: full if there is enough, with the right `has_more`. So a cursor passes a hidden
    message only together with a later one that is shown.
    """

    def look(self, mailbox, since_us, limit):
        first = polled = _look(self, mailbox, since_us, LARGEST_PAGE)
        shown = [*shown_of(self, polled.page.messages)]
        while polled.page.has_more and len(shown) <= limit:
            polled = _look(self, mailbox, polled.page.messages[-1].timestamp_us, LARGEST_PAGE)
            shown += shown_of(self, polled.page.messages)
        page = replace(first.page, messages=shown[:limit], has_more=len(shown) > limit)
        return replace(first, page=page)

    Messenger._look = look


def _look_past_each(hidden):
    """Leave out each message that is `hidden`."""
    _look_past(lambda _, found: [message for message in found if not hidden(message)])


def _look_past_repeated(key):
    """Leave out messages with the same `key` as an earlier one of the mailbox; None is not a key."""

    def shown_of(messenger, found):
        held = messenger._store.tail(found[0].recipient, MORE_THAN_IS_SENT) if found else ()
        first = {key(message): message.id for message in reversed(held)}
        return [one for one in found if key(one) is None or first.get(key(one), one.id) == one.id]

    _look_past(shown_of)


# -- messages


@mutant(row="FLOW-01", promise="no-loss")
def lost_to_oneself():
    """What users send to themselves is accepted, and never delivered."""
    _look_past_each(lambda message: message.sender == message.recipient)


@mutant(row="FLOW-10", promise="no-loss")
def lost_digits():
    """A message of digits only is accepted, and never delivered."""
    _look_past_each(lambda message: message.content.isdigit())


@mutant(row="FLOW-10", promise="no-loss")
def said_before():
    """A message with content that its sender sent before is taken for a double click, and never delivered."""
    _look_past_repeated(lambda message: (message.sender, message.content))


@mutant(row="FLOW-10", promise="no-loss")
def one_message_without_an_id():
    """Without a client_message_id, only a sender's first message in a mailbox is delivered."""
    _look_past_repeated(lambda message: message.sender if message.client_message_id is None else None)


@mutant(
    row="FLOW-10",
    promise=STORY,
    says="was used before for another message",
    replaces="adapters.mongo_store:MongoStore.append",
)
def ids_in_any_case(self, draft, now_us):
    """An id that differs only in case from an earlier one is taken for a retry."""
    if draft.client_message_id is not None:
        own_id = {"$regex": rf"\A{re.escape(draft.client_message_id)}\z", "$options": "i"}
        found = self._find({"sender": draft.sender, "client_message_id": own_id}, [("seq", 1)], 1)
        if found:
            return found[0]
    return _append(self, draft, now_us)


@mutant(row="FLOW-10", promise="available", replaces="blueprints.messages:to_wire")
def digits_become_a_number(message):
    """A message of digits only is returned as a number."""
    wire = _to_wire(message)
    if message.content.isdigit():
        wire.message = int(message.content)
    return wire


@mutant(row="FLOW-10", promise="no-phantom", replaces=CONTENT)
def content_cut_at_255(content, limit):
    """A message is cut at 255 characters, as by a database column."""
    return _content(content, limit)[:255]


@mutant(row="FLOW-10", promise="no-phantom", replaces=CONTENT)
def four_bytes_become_question_marks(content, limit):
    """Characters of four bytes are stored as question marks, as in a column of MySQL's utf8."""
    return re.sub("[\U00010000-\U0010ffff]", "?", _content(content, limit))


@mutant(row="FLOW-10", promise="no-phantom", replaces=CONTENT)
def line_ends_unified(content, limit):
    """Every line end in a message becomes a line feed."""
    return _content(content, limit).replace("\r\n", "\n").replace("\r", "\n")


@mutant(row="FLOW-10", promise="no-phantom", replaces=CONTENT)
def content_made_compatible(content, limit):
    """Messages are normalised to Unicode's compatibility form."""
    return unicodedata.normalize("NFKC", _content(content, limit))


@mutant(row="FLOW-10", promise="no-phantom", replaces="blueprints.requests:_form_fields")
def plus_decoded_twice(body):
    """The text of a form is decoded twice: every + in it becomes a space."""
    fields = _form_fields(body)
    return [(name, value.replace("+", " ") if name == "content" else value) for name, value in fields]


# -- mailboxes and readers


@mutant(row="FLOW-11", promise="no-loss")
def sixty_four_mailboxes():
    """Each worker has a table of 64 mailboxes, and what is sent to any other is never delivered."""
    known = {}

    _look_past_each(lambda message: known.setdefault(message.recipient, len(known)) >= 64)


@mutant(row="FLOW-12", promise="no-loss", replaces="service:Messenger._look")
def mailbox_of_who_left_dropped(self, mailbox, since_us, limit):
    """If a user has not polled for three seconds, the messages that wait are dropped."""
    presence, now_us = self._store._mongo.collection("presence"), time.time_ns() // 1000
    known = presence.find_one({"_id": mailbox}) or {"polled_us": now_us, "dropped_us": 0}
    dropped_us = now_us if now_us - known["polled_us"] > GONE_AFTER_US else int(known["dropped_us"])
    seen = {"polled_us": now_us, "dropped_us": dropped_us}
    presence.update_one({"_id": mailbox}, {"$set": seen}, upsert=True)
    return _look(self, mailbox, max(since_us or 0, dropped_us) if dropped_us else since_us, limit)


# -- polls


@mutant(row="FLOW-10", promise="no-loss", replaces="service:Messenger._look")
def pages_of_one_skip(self, mailbox, since_us, limit):
    """A page of one message returns the last of two that wait."""
    polled = _look(self, mailbox, since_us, max(limit, 2))
    if limit > 1:
        return polled
    return replace(polled, page=replace(polled.page, messages=polled.page.messages[-1:]))


@mutant(row="FLOW-10", promise="on-time", replaces="service:Messenger.poll")
def held_though_there_is_something(self, mailbox, since_us, limit, wait_s=0.0):
    """A poll that may be held is held even if there are messages to return."""
    time.sleep(wait_s)
    return _poll(self, mailbox, since_us, limit)


@mutant(row="FLOW-10", promise="no-loss", replaces="service:Messenger.poll")
def held_poll_begins_at_now(self, mailbox, since_us, limit, wait_s=0.0):
    """A held poll returns only what arrives while it is held."""
    begin_us = max(since_us or 0, time.time_ns() // 1000) if wait_s > 0 else since_us
    return _poll(self, mailbox, begin_us, limit, wait_s)


@mutant(row="FLOW-10", promise="available", replaces="timestamps:as_written")
def unescaped_plus_refused(text):
    """A cursor with an unescaped + in its offset is refused."""
    return text


class _Spelled(int):
    """The microseconds of a timestamp that knows how it was spelled."""

    text: str


@mutant(row="FLOW-12", promise="no-duplicate")
def cursor_compared_as_text():
    """The cursor is compared as a string, whatever its offset and its digits."""

    def parsed(text):
        since_us = _Spelled(parse_timestamp(text))
        since_us.text = text
        return since_us

    def read(self, mailbox, cursor, limit):
        since = cursor.since_us.text if cursor.given else ""
        held = self._store.tail(mailbox, MORE_THAN_IS_SENT)
        found = [one for one in held if format_timestamp(one.timestamp_us) > since]
        return Polled(page_of(found[: limit + 1], cursor, limit, len(held)), "mongodb", degraded=False)

    requests.parse_timestamp, Messenger._read = parsed, read


@mutant(row="FLOW-12", promise=STORY, says="which is not newer")
def short_fraction_misread():
    """The fraction of a cursor is read as microseconds, whatever its length."""

    def padded(match):
        return f".{int(match[1]):06d}"

    requests.parse_timestamp = lambda text: parse_timestamp(re.sub(r"\.(\d+)", padded, text))


@mutant(row="FLOW-13", promise="no-duplicate", replaces="service:Messenger._look")
def old_cursor_taken_for_none(self, mailbox, since_us, limit):
    """A cursor older than a day is treated as none."""
    is_old = since_us is not None and since_us < time.time_ns() // 1000 - DAY_US
    return _look(self, mailbox, None if is_old else since_us, limit)
