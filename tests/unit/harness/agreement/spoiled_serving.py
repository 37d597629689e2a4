"""What can go wrong beside sends and polls: sign-ins, a server that stays away, endless mailboxes."""

from __future__ import annotations

from .spoiling import Choice, Spoiler, polls
from .timeline import NS_PER_MS, Event

ANSWERS = (
    (200, "no token"),
    (401, None),
    (429, None),
    (500, None),
    (503, None),
    (None, "timeout"),
    (None, "connection lost"),
)
MORE_MS = 200


def a_sign_in_is_answered_otherwise(events: list[Event], choice: Choice) -> None:
    if needed := choice.of([event for event in events if event["kind"] == "required"]):
        needed["status"], needed["error"] = ANSWERS[(choice.which + choice.part) % len(ANSWERS)]


def a_wait_gives_up(events: list[Event], choice: Choice) -> None:
    """For the server to serve, or for something that is not the server's fault."""
    if poll := choice.of(polls(events)):
        of = ("serving", "serving", "traffic", "stop")[choice.part % 4]
        wait = {"row": poll["row"], "kind": "gave_up", "of": of, "what": "Waited in vain."}
        events.append(wait | {"since": poll["t"], "t": poll["t"] + choice.far_ms * NS_PER_MS})


def a_consumer_gets_endless_pages(events: list[Event], choice: Choice) -> None:
    """Or until just before that is one time too many, or with a cursor that goes on."""
    of_consumers = {poll["consumer"]: poll for poll in polls(events) if poll["outcome"] == "ok"}
    if last := choice.of(list(of_consumers.values())):
        after_ns = max(poll["t"] for poll in polls(events) if poll["consumer"] == last["consumer"])
        times = 9 + choice.part % 3
        for number in range(times):
            start_ns = after_ns + (number + 1) * MORE_MS * NS_PER_MS
            told = {"messages": [], "has_more": True, "since": last["next_since"], "op": 7_000_000 + number}
            times_told = {"intended": start_ns, "start": start_ns, "t": start_ns + 10 * NS_PER_MS}
            events.append(last | told | times_told)


SPOILED_SERVING: tuple[Spoiler, ...] = (
    a_sign_in_is_answered_otherwise,
    a_sign_in_is_answered_otherwise,  # in one of many ways
    a_wait_gives_up,
    a_consumer_gets_endless_pages,
)
