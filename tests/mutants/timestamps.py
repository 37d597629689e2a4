"""Mutants of the timestamp, which is the cursor: its clock, its resolution, its spelling."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from reference_server import message
from reference_server.blueprints import requests
from reference_server.interfaces import page_of
from reference_server.message import place_after
from reference_server.service import Polled
from reference_server.timestamps import format_timestamp, parse_timestamp
from tests.mutants.registry import mutant

PLACE = "adapters.mongo_store:place_after"


@mutant(row="CHAOS-04", promise="no-loss", replaces=PLACE)
def equal_timestamps(head, draft, now_us):
    """Messages of one moment have the same timestamp: those after the last of a page are never seen."""
    return replace(place_after(head, draft, now_us), timestamp_us=max(now_us, head.timestamp_us))


@mutant(row="CHAOS-03", promise="cursor", replaces=PLACE)
def timestamp_of_the_clock(head, draft, now_us):
    """The timestamp is the clock's, even when the clock steps back."""
    return replace(place_after(head, draft, now_us), timestamp_us=now_us)


@mutant(row="CHAOS-01", promise="order", replaces=PLACE)
def millisecond_timestamps(head, draft, now_us):
    """Timestamps are kept in milliseconds, as in a BSON date, and several messages share one."""
    placed = place_after(head, draft, now_us)
    return replace(placed, timestamp_us=placed.timestamp_us // 1000 * 1000)


@mutant(row="FLOW-01", promise="no-duplicate")
def millisecond_cursor():
    """Microseconds are stored, but milliseconds returned: the cursor is just before its message."""
    message.format_timestamp = lambda us: format_timestamp(us // 1000 * 1000)


@mutant(row="FLOW-01", promise="no-loss")
def local_time_without_a_zone():
    """Timestamps are returned as local time without a zone, and read back as UTC."""
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    message.format_timestamp = lambda us: datetime.fromtimestamp(us / 1e6).isoformat(timespec="microseconds")
    has_zone = re.compile(r"(Z|[ +-]\d\d:\d\d)\Z")  # the blank is a + that was not escaped
    requests.parse_timestamp = lambda text: parse_timestamp(text if has_zone.search(text) else text + "Z")


def _as_text(timestamp_us):
    """Return the timestamp as some languages print it: the fraction is a number without leading zeros."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=timestamp_us)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond}Z"


@mutant(row="CHAOS-01", promise="order", replaces="service:Messenger._read")
def timestamps_compared_as_text(self, mailbox, cursor, limit):
    """Timestamps are sorted and compared as strings, whose fractions differ in length."""
    since = _as_text(cursor.since_us)
    held = [one for one in self._store.tail(mailbox, 1000) if _as_text(one.timestamp_us) > since]
    found = sorted(held, key=lambda one: _as_text(one.timestamp_us))
    return Polled(page_of(found[: limit + 1], cursor, limit, len(held)), "mongodb", degraded=False)
