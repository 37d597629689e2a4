"""What can go wrong with answers and with the history itself: cursors, statuses, times, missing parts."""

from __future__ import annotations

from datetime import datetime, timedelta

from .spoiling import Choice, Spoiler, acks, full, polls
from .timeline import BEGIN_NS, NS_PER_MS, Event


def _later(stamp: str, by_ms: int) -> str:
    moved = datetime.fromisoformat(stamp) + timedelta(milliseconds=by_ms)
    return moved.isoformat(timespec="microseconds").replace("+00:00", "Z")


def a_cursor_jumps(events: list[Event], choice: Choice) -> None:
    """Forward or back; the client uses the cursor that it is given."""
    if poll := choice.of([poll for poll in full(events) if poll["next_since"]]):
        poll["next_since"] = _later(poll["next_since"], choice.far_ms - 2_000)
        _hand_on(events, poll)


def _hand_on(events: list[Event], poll: Event) -> None:
    consumer = [other for other in polls(events) if other["consumer"] == poll["consumer"]]
    for other in consumer[consumer.index(poll) + 1 :]:
        other["since"] = poll["next_since"]
        if other.get("messages") or other["outcome"] != "ok":
            return
        other["next_since"] = poll["next_since"]


def a_consumer_is_not_served_what_is_new(events: list[Event], choice: Choice) -> None:
    """Its cursor stays where it was."""
    if poll := choice.of(full(events)):
        poll["messages"], poll["next_since"] = [], poll["since"]
        _hand_on(events, poll)


def a_queue_lacks_what_is_new(events: list[Event], choice: Choice) -> None:
    """One consumer waits for it until the end; others read it from MongoDB."""
    last_full = {poll["consumer"]: poll for poll in full(events)}
    if poll := choice.of(list(last_full.values())):
        lacking = {message["id"] for message in poll["messages"]}
        poll["messages"], poll["next_since"] = [], poll["since"]
        _hand_on(events, poll)
        for other in full(events):
            if lacking & {message["id"] for message in other["messages"]}:
                other["source"] = "mongodb"


def a_client_forgets_its_cursor(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(polls(events)):
        poll["since"] = None


def an_answer_is_slow(events: list[Event], choice: Choice) -> None:
    if answer := choice.of([event for event in events if event["kind"] in ("poll", "sent")]):
        answer["t"] += choice.far_ms * NS_PER_MS


def a_poll_starts_late(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(polls(events)):
        poll["start"] += choice.far_ms * NS_PER_MS
        poll["t"] += choice.far_ms * NS_PER_MS


def an_answer_is_an_error(events: list[Event], choice: Choice) -> None:
    status = (500, 503, None, 404)[choice.part % 4]
    if poll := choice.of(polls(events)):
        for told in ("messages", "next_since", "has_more", "source", "degraded"):
            poll.pop(told, None)
        outcome = "refused" if status == 404 else "unknown"
        poll |= {"outcome": outcome, "status": status, "error": None if status else "timeout"}


def an_ack_is_an_error(events: list[Event], choice: Choice) -> None:
    """The message is stored, whatever was answered."""
    status, outcome = ((500, "unknown"), (503, "refused"), (None, "unknown"), (404, "refused"))[
        choice.part % 4
    ]
    if ack := choice.of(acks(events)):
        kept = {key: ack[key] for key in ("row", "kind", "t", "op")}
        ack.clear()
        ack |= kept | {"outcome": outcome, "status": status, "error": None if status else "timeout"}


def a_gap_is_admitted(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(polls(events)):
        poll["gap"] = True
        events[0]["bounds"] = {"retained_messages": 1 + choice.part}


def a_gap_is_not_admitted(events: list[Event], choice: Choice) -> None:
    """By one answer, or by none."""
    told = [poll for poll in polls(events) if poll.get("gap")]
    if poll := choice.of(told):
        for other in told if choice.part % 2 else [poll]:
            other["gap"] = False


def the_oldest_of_a_page_is_dropped(events: list[Event], choice: Choice) -> None:
    """With or without a word."""
    if poll := choice.of(full(events)):
        del poll["messages"][: 1 + choice.part % 2]
        poll["gap"] = poll.get("gap") or choice.part > 2


def an_answer_lies_about_redis(events: list[Event], choice: Choice) -> None:
    honest = [event for event in events if event.get("degraded") or event.get("queued") is False]
    if answer := choice.of(honest):
        for other in honest if choice.part % 2 else [answer]:
            other |= {"queued": True} if other["kind"] == "sent" else {"degraded": False, "source": "redis"}


def nobody_reads_to_the_end(events: list[Event], choice: Choice) -> None:
    events[:] = [event for event in events if event["kind"] != "drained"]


def the_history_is_cut_off(events: list[Event], choice: Choice) -> None:
    end_ns = BEGIN_NS + (choice.which % 10) * 1_000 * NS_PER_MS
    events[:] = [event for event in events if event["t"] <= end_ns]


SPOILED_ANSWERS: tuple[Spoiler, ...] = (
    a_cursor_jumps,
    a_consumer_is_not_served_what_is_new,
    a_queue_lacks_what_is_new,
    a_client_forgets_its_cursor,
    an_answer_is_slow,
    a_poll_starts_late,
    an_answer_is_an_error,
    an_ack_is_an_error,
    a_gap_is_admitted,
    a_gap_is_not_admitted,
    the_oldest_of_a_page_is_dropped,
    an_answer_lies_about_redis,
    nobody_reads_to_the_end,
    the_history_is_cut_off,
)
