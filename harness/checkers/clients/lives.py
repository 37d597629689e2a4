"""When each client ran, and for whom: from its start or a switch to its stop, the next switch or the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from harness.checkers.spans import Span
from harness.history import NS_PER_S, ClientBounds, ClientRequest, ClientTold, Handed, History
from harness.history.memoize import memoize

GRACE_NS = NS_PER_S // 2
"""How far apart the records of the front and of the page can be for what happened at one time."""
PROGRAM_GRACE_NS = NS_PER_S
"""A program that got SIGTERM may need this long to end."""
BEGINS = ("start", "switch")
ENDS = ("stop", "switch", "close_tab", "end")
PAUSES = {"freeze": "resume", "offline": "online"}
"""What keeps a client from polling, and what ends it."""
WAKES = ("show", "hide", "online", "resume", "reload", "start", "switch", "open_tab", "close_tab", "stop")
"""After these a client may poll at once."""
UNAUTHORISED = 401

Pair = tuple[ClientRequest, ClientRequest]


@dataclass(frozen=True)
class Life:
    """One client's time for one user."""

    client: str
    user: str
    start_ns: int
    end_ns: int
    ended_by: str
    """What ended it; 'end' where it still ran at the end of the row."""
    told: tuple[ClientTold, ...]
    """What it was made to do meanwhile."""
    polls: tuple[ClientRequest, ...]
    """Its polls for this user that began meanwhile, in order."""
    handed: tuple[Handed, ...]

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Each of its polls with the one after it."""
        return tuple(pairwise(self.polls))

    @cached_property
    def pauses(self) -> tuple[Span, ...]:
        """When it could not poll, or could not reach the server."""
        return tuple(self._pauses())

    def _pauses(self) -> Iterator[Span]:
        begun: dict[str, int] = {}
        for told in self.told:
            if told.did in PAUSES:
                begun.setdefault(PAUSES[told.did], told.at_ns)
            elif told.did in begun:
                yield begun.pop(told.did) - GRACE_NS, told.at_ns
        yield from ((since_ns - GRACE_NS, self.end_ns) for since_ns in begun.values())

    @cached_property
    def signed_out_ns(self) -> int | None:
        """When it was told that it is not signed in: it may stop then."""
        return next((poll.end_ns for poll in self.polls if poll.status == UNAUTHORISED), None)

    @property
    def runs_at_the_end(self) -> bool:
        """Whether it should still have been showing messages when the row ended."""
        is_awake = all(until_ns < self.end_ns for _, until_ns in self.pauses)
        return self.ended_by == "end" and is_awake and self.signed_out_ns is None

    @property
    def must_poll_until_ns(self) -> int:
        """Until when it had to go on."""
        return self.end_ns if self.signed_out_ns is None else min(self.end_ns, self.signed_out_ns)

    @property
    def grace_ns(self) -> int:
        """How long after its end something of it may still be seen."""
        return PROGRAM_GRACE_NS if self.client.startswith("program") else GRACE_NS


@memoize
def lives(history: History) -> tuple[Life, ...]:
    """Return every life of every client."""
    end_ns = next((told.at_ns for told in reversed(history.told) if told.did == "end"), history.end_ns)
    clients = dict.fromkeys(told.client for told in history.told if told.client)
    return tuple(life for client in clients for life in _lives(history, client, end_ns))


def _lives(history: History, client: str, end_ns: int) -> Iterator[Life]:
    mine = [told for told in history.told if told.client == client]
    user, start_ns = "", 0
    for told in mine:
        if told.did in ENDS and user and not (told.did == "switch" and told.user == user):
            yield _life(history, mine, user, (start_ns, told.at_ns), told.did)
            user = ""
        if told.did in BEGINS and told.user and not user:
            user, start_ns = told.user, told.at_ns
    if user:
        yield _life(history, mine, user, (start_ns, max(end_ns, start_ns)), "end")


def _life(history: History, told: list[ClientTold], user: str, span: tuple[int, int], end: str) -> Life:
    start_ns, end_ns = span
    client = told[0].client
    polls = (
        it
        for it in history.requests
        if it.is_poll and it.client == client and it.user == user
        if start_ns - GRACE_NS <= it.start_ns <= end_ns
    )
    handed = (
        it for it in history.handed if it.client == client and start_ns - GRACE_NS <= it.at_ns <= end_ns
    )
    meanwhile = (it for it in told if start_ns <= it.at_ns <= end_ns)
    return Life(client, user, start_ns, end_ns, end, tuple(meanwhile), tuple(polls), tuple(handed))


@memoize
def by_user(history: History) -> dict[str, tuple[Life, ...]]:
    """Return the lives for each user: those of several clients are tabs of one browser."""
    grouped: dict[str, list[Life]] = {}
    for life in lives(history):
        grouped.setdefault(life.user, []).append(life)
    return {user: tuple(some) for user, some in grouped.items()}


def bounds_of(history: History) -> ClientBounds:
    """Return the client's numbers. Raise ValueError for a history of no client run."""
    if history.client is None:
        raise ValueError("this is not the history of a client run")
    return history.client


def has(history: History, key: str) -> bool:
    """Whether the client's profile says that it has something; most have what is not named."""
    return bool(bounds_of(history).has.get(key, True))


def ns(seconds: float) -> int:
    """Return seconds in nanoseconds."""
    return round(seconds * NS_PER_S)


@memoize
def longest_retry_after_s(history: History) -> float:
    """Return the longest time for which an answer sent a client away."""
    return max((poll.retry_after_s or 0.0 for poll in history.requests), default=0.0)


def settles_within_ns(history: History) -> int:
    """Return how long after the last misbehaviour a client has to show everything."""
    numbers = bounds_of(history)
    once = numbers.interval_s + numbers.longest_back_off_s + numbers.timeout_s + numbers.catch_up_s
    return ns(once + longest_retry_after_s(history))


def unseen(history: History) -> str:
    """Return a doubt where no client ever polled; '' otherwise."""
    if not lives(history):
        return "no client was started"
    return "" if any(life.polls for life in lives(history)) else "no client polled"
