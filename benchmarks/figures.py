"""Every figure: its name, what it means, its bound, and the function that measures it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.measures import polls, rest, sends
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
    resolution: float = 0.0
    """The smallest difference that can be measured, where that is more than nothing."""


_BARE = "a bare Flask route on the same WSGI server"
_DRIVERS = "one durable insert and one Redis round trip by the bare drivers"

FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("idle_poll_cpu_ratio", "CPU of an idle poll", "µs", 1.6, polls.idle_poll, _BARE),
        Figure(
            "full_page_cpu_ratio",
            "CPU of a poll of 100 messages",
            "µs",
            2.0,
            polls.full_page,
            f"{_BARE}, same bytes",
        ),
        Figure("send_latency_ratio", "p50 of a send, 1 client", "µs", 2.0, sends.latency, _DRIVERS),
        Figure(
            "rest_cpu_percent",
            "CPU of a worker without users",
            "%",
            1.0,
            rest.at_rest,
            "the bare WSGI server",
            is_ratio=False,
            resolution=0.2,
        ),
    )
}
