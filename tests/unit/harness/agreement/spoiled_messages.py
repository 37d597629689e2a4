"""What can go wrong with messages: left out, doubled, in the wrong order or place, changed, invented."""

from __future__ import annotations

from .spoiling import Choice, Spoiler, acks, full, polls
from .timeline import Event


def one_poll_leaves_a_message_out(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        del poll["messages"][choice.place(poll["messages"])]


def a_message_is_never_served(events: list[Event], choice: Choice) -> None:
    if ack := choice.of(acks(events)):
        for poll in full(events):
            poll["messages"] = [message for message in poll["messages"] if message["id"] != ack["id"]]


def a_message_comes_again(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        message = poll["messages"][choice.place(poll["messages"])]
        later = [
            other for other in polls(events) if other["consumer"] == poll["consumer"] and "messages" in other
        ]
        later[-1 - choice.far_ms % len(later)]["messages"].append(dict(message))


def two_messages_change_places(events: list[Event], choice: Choice) -> None:
    if poll := choice.of([poll for poll in full(events) if len(poll["messages"]) > 1]):
        messages = poll["messages"]
        place = choice.part % (len(messages) - 1)
        messages[place], messages[place + 1] = messages[place + 1], messages[place]


def an_answer_is_read_backwards_with_stamps_in_order(events: list[Event], choice: Choice) -> None:
    """The order is wrong, although its cursors rise."""
    if poll := choice.of([poll for poll in full(events) if len(poll["messages"]) > 1]):
        keys = [{key: one[key] for key in ("seq", "timestamp")} for one in poll["messages"]]
        poll["messages"].reverse()
        for message, key in zip(poll["messages"], keys, strict=True):
            message |= key


def a_content_changes(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        poll["messages"][choice.place(poll["messages"])]["content"] += " "


def a_sender_changes(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        message = poll["messages"][choice.place(poll["messages"])]
        message["sender"] = "mallory"


def a_message_goes_to_another_mailbox(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        message = dict(poll["messages"][choice.place(poll["messages"])])
        others = [other for other in polls(events) if other["reader"] != poll["reader"]]
        for other in [other for other in others if "messages" in other][-1:]:
            other["messages"].append(
                message | {"recipient": other["reader"]} if choice.far_ms % 2 else message
            )


def a_message_comes_from_nowhere(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        like = poll["messages"][choice.place(poll["messages"])]
        strange = {"id": "id-nowhere", "content": "nobody said this", "client_message_id": "nobody"}
        poll["messages"].append(like | strange)


def a_message_comes_before_it_is_sent(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        earlier = [
            other for other in polls(events) if other["consumer"] == poll["consumer"] and "messages" in other
        ]
        earlier[0]["messages"].append(dict(poll["messages"][0]))


def two_messages_get_one_timestamp(events: list[Event], choice: Choice) -> None:
    acked = acks(events)
    if len(acked) > 1:
        place = choice.which % (len(acked) - 1)
        one, other = acked[place], acked[place + 1]
        other["timestamp"] = one["timestamp"]
        for poll in full(events):
            for message in poll["messages"]:
                if message["id"] == other["id"]:
                    message["timestamp"] = one["timestamp"]


def a_message_comes_a_poll_later(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        consumer = [
            other for other in polls(events) if other["consumer"] == poll["consumer"] and "messages" in other
        ]
        later = consumer[consumer.index(poll) + 1 :][: 1 + choice.part % 3]
        if later:
            message = poll["messages"].pop()
            later[-1]["messages"].insert(0, message)


def a_message_goes_by_another_id(events: list[Event], choice: Choice) -> None:
    if poll := choice.of(full(events)):
        poll["messages"][choice.place(poll["messages"])]["id"] += "-other"


def an_ack_names_another_id(events: list[Event], choice: Choice) -> None:
    if ack := choice.of(acks(events)):
        ack["id"] += "-other"


SPOILED_MESSAGES: tuple[Spoiler, ...] = (
    one_poll_leaves_a_message_out,
    a_message_is_never_served,
    a_message_comes_again,
    two_messages_change_places,
    an_answer_is_read_backwards_with_stamps_in_order,
    a_content_changes,
    a_sender_changes,
    a_message_goes_to_another_mailbox,
    a_message_comes_from_nowhere,
    a_message_comes_before_it_is_sent,
    two_messages_get_one_timestamp,
    a_message_comes_a_poll_later,
    a_message_goes_by_another_id,
    an_ack_names_another_id,
)
