"""The promises of polling clients: what each says, its checker, and what that can find."""

from __future__ import annotations

from harness.checkers.clients.catches_up import catches_up, has_woken
from harness.checkers.clients.keeps_polling import keeps_polling
from harness.checkers.clients.keeps_to_itself import keeps_to_itself
from harness.checkers.clients.lets_go import has_stopped, lets_go
from harness.checkers.clients.paced import paced
from harness.checkers.clients.shows_all import shows_all
from harness.checkers.clients.shows_in_order import shows_in_order
from harness.checkers.clients.shows_once import shows_once
from harness.checkers.promise import Promise
from harness.history import History


def _always(history: History) -> bool:
    return True


CLIENT_PROMISES: tuple[Promise, ...] = (
    Promise(
        "shows-all",
        "every message that the server accepted for a client's user is handed on",
        shows_all,
        ("hole", "never_shown"),
        can_be_judged=_always,
    ),
    Promise(
        "shows-once",
        "a client hands a message on once, also after a reload and in a second tab",
        shows_once,
        ("shown_twice", "shown_again"),
        can_be_judged=_always,
    ),
    Promise(
        "shows-in-order",
        "messages are handed on in the order in which the server accepted them",
        shows_in_order,
        ("out_of_order",),
        can_be_judged=_always,
    ),
    Promise(
        "keeps-polling",
        "as long as a client runs it polls, whatever its polls are answered",
        keeps_polling,
        ("stopped_polling", "hangs"),
        can_be_judged=_always,
    ),
    Promise(
        "paced",
        "one poll at a time, neither faster nor slower than allowed; after errors more slowly, at random",
        paced,
        (
            "two_in_flight",
            "too_fast",
            "too_slow",
            "drifts",
            "answered_429_at_once",
            "ignored_retry_after",
            "hammers",
            "no_back_off",
            "no_jitter",
            "tabs_both_poll",
        ),
        can_be_judged=_always,
    ),
    Promise(
        "catches-up",
        "once nothing keeps it from polling any more, a client polls soon and shows what had waited",
        catches_up,
        ("did_not_poll", "shown_late"),
        can_be_judged=has_woken,
    ),
    Promise(
        "keeps-to-itself",
        "a client asks for and hands on what its user was sent, and nothing else",
        keeps_to_itself,
        ("foreign_message", "never_sent", "polls_for_other"),
        can_be_judged=_always,
    ),
    Promise(
        "lets-go",
        "after a stop a client asks for nothing, hands nothing on, and keeps no request open",
        lets_go,
        ("still_polls", "still_shows", "left_request"),
        can_be_judged=has_stopped,
    ),
)
