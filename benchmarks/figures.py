"""Every figure: its name, what it means, its bound, and the function that measures it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.measures import growth, memory, polls, rest, sends, waiting
from benchmarks.measuring import Measure

ELSEWHERE: Mapping[str, str] = {"capacity_ratio": "python3 -m nox -s capacity"}
"""Figures that have a session of their own, and its command."""


@dataclass(frozen=True)
class Figure:
    """A figure. `unit` is what is measured; a ratio is that over the same of the limit or floor."""

    name: str
    what: str
    unit: str
    bound: float
    measure: Measure
    floor: str
    is_ratio: bool = True
    more_is_better: bool = False
    is_timed: bool = True
    """Whether it is about time, which other programs take, too."""
    resolution: float = 0.0
    """The smallest difference that can be measured, where that is more than nothing."""


_BARE = "a bare Flask route on the same WSGI server"
_DRIVERS = "one durable insert and one Redis round trip by the bare drivers"
_BARE_WAITS = "a bare route that waits for an event"

FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("idle_poll_cpu_ratio", "CPU of an idle poll", "µs", 1.3, polls.idle_poll, _BARE),
        Figure(
            "full_page_cpu_ratio",
            "CPU of a poll of 100 messages",
            "µs",
            2.0,
            polls.full_page,
            f"{_BARE}, with the same bytes",
        ),
        Figure("send_latency_ratio", "p50 of a send, 1 client", "µs", 2.0, sends.latency, _DRIVERS),
        Figure(
            "send_throughput_ratio",
            "sends of 16 clients into mailboxes of their own",
            "/s",
            0.4,
            sends.throughput,
            f"{_DRIVERS}, 16 clients",
            more_is_better=True,
        ),
        Figure(
            "hot_mailbox_ratio",
            "sends of 16 clients into one mailbox",
            "/s",
            0.3,
            sends.hot_mailbox,
            f"{_DRIVERS}, 16 clients",
            more_is_better=True,
        ),
        Figure(
            "rest_cpu_percent",
            "CPU of a worker without users",
            "%",
            1.0,
            rest.at_rest,
            "a bare worker",
            is_ratio=False,
            resolution=0.1,
        ),
        Figure(
            "waiting_cpu_percent",
            "CPU of the server with 1,000 waiting polls",
            "%",
            4.0,
            waiting.cpu,
            _BARE_WAITS,
            is_ratio=False,
            resolution=0.1,
        ),
        Figure(
            "long_poll_p99_ms",
            "from the ack of a message to its receipt, with 1,000 waiting polls, p99",
            "ms",
            15.0,
            waiting.delivery,
            f"{_BARE_WAITS}, one process",
            is_ratio=False,
            resolution=0.5,
        ),
        Figure(
            "mailbox_growth",
            "CPU of a send and its poll, mailboxes of 10,000 messages",
            "µs",
            1.1,
            growth.by_messages,
            "mailboxes of 100",
        ),
        Figure(
            "user_growth", "CPU of a send and its poll, 10,000 users", "µs", 1.1, growth.by_users, "10 users"
        ),
        Figure(
            "degraded_poll_ratio",
            "CPU of an idle poll while Redis is out",
            "µs",
            1.5,
            polls.degraded_poll,
            "while Redis is well",
        ),
        Figure(
            "redis_bytes_per_message",
            "a message of 20 characters in a full queue",
            "B",
            160.0,
            memory.bytes_per_message,
            "a list of the texts alone",
            is_ratio=False,
            is_timed=False,
        ),
    )
}
