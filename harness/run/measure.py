"""Timing of sends and polls, and numbers beside what they should be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.adapters.manners import Manner
from harness.arithmetic import exact_percentile
from harness.client import Ack, Page, Result
from harness.run.broken import PromiseBroken
from harness.run.messages import Messages, Pair
from harness.run.readers import Readers


@dataclass(frozen=True)
class RoundTrips:
    """The answers to sends, and to the poll after each."""

    sends: list[Result[Ack]] = field(default_factory=list)
    polls: list[Result[Page]] = field(default_factory=list)


class Measure:
    """Measures, and keeps numbers in `measured` by names that end in their unit."""

    def __init__(self, messages: Messages, readers: Readers, measured: dict[str, Any]) -> None:
        self._messages = messages
        self._readers = readers
        self._measured = measured

    def round_trips(self, pair: Pair, *, rounds: int, content: str | None = None) -> RoundTrips:
        """Send `rounds` messages, poll the recipient's mailbox after each, and return the answers.

        With a `content` every message is the same, sent in the usual way: so that sizes can be compared.
        """
        consumer = self._readers.new_consumer(pair[1])
        trips = RoundTrips()
        for place in range(rounds):
            manner = None if content is None else Manner(content, f"{place:016x}")
            trips.sends.append(self._messages.send(*pair, manner=manner))
            trips.polls.append(self._readers.poll_with(consumer))
        return trips

    def p99_ms(self, pair: Pair, *, rounds: int) -> float:
        """Return the 99th percentile of `rounds` sends and as many polls, in milliseconds."""
        trips = self.round_trips(pair, rounds=rounds)
        seconds = [answer.seconds for answer in trips.sends + trips.polls]
        return round(exact_percentile(seconds, 99) * 1000, 1)

    def compare(self, name: str, value: float, *, target: float, acceptable: float) -> None:
        """Report a number beside its target and the worst acceptable value; `name` ends in its unit.

        Raise PromiseBroken when it is worse than acceptable.
        """
        *_, unit = name.split("_")
        self._measured.update({name: value, f"target_{unit}": target, f"acceptable_{unit}": acceptable})
        if value > acceptable:
            raise PromiseBroken(f"{name} is {value:.4g}, and {acceptable:g} would be acceptable")
