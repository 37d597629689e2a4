"""The promises of servers: what each says, its checker, what that can find, and which rows demand it.

This is the only list of them. Tests compare the plan's table, docs/verdicts.md and the oracles with it.
"""

from __future__ import annotations

from harness.checkers.available import available
from harness.checkers.bounded import bounded
from harness.checkers.contiguous import contiguous
from harness.checkers.cursor import cursor
from harness.checkers.no_duplicate import no_duplicate
from harness.checkers.no_leak import no_leak
from harness.checkers.no_loss import no_loss
from harness.checkers.no_phantom import no_phantom
from harness.checkers.on_time import on_time
from harness.checkers.order import order
from harness.checkers.promise import Demand, Promise
from harness.checkers.recovers import recovers
from harness.checkers.refusals import private, refuses
from harness.checkers.retention_told import has_retention_to_tell, retention_told
from harness.checkers.stops_cleanly import stops_cleanly
from harness.history import History


def _always(history: History) -> bool:
    return True


_ATTEMPTS = ("leaked", "not_refused", "wrong_refusal", "server_error", "unanswered")
_LATE = ("late", "never_delivered")

PROMISES: tuple[Promise, ...] = (
    Promise(
        "no-loss",
        "every message that the server accepted reaches every later consumer of its recipient",
        no_loss,
        ("stored_but_skipped", "hole", "queued_but_never_served", "never_served", "not_stored", "stuck"),
        Demand.DELIVERY,
        _always,
    ),
    Promise(
        "no-duplicate",
        "a consumer receives a message once",
        no_duplicate,
        ("delivered_twice", "two_ids"),
        Demand.DELIVERY,
        _always,
    ),
    Promise(
        "order",
        "one sender's messages arrive in the order they were accepted; all readers of a mailbox agree on its "
        "order",
        order,
        ("out_of_order", "seq_not_rising", "timestamp_not_rising", "readers_disagree"),
        Demand.DELIVERY,
        _always,
    ),
    Promise(
        "cursor",
        "no answer's cursor passes a message that neither it nor an earlier answer has delivered",
        cursor,
        ("passed",),
        Demand.DELIVERY,
        _always,
    ),
    Promise(
        "no-phantom",
        "only what was sent arrives, unchanged, at its recipient alone; a refused send never arrives",
        no_phantom,
        ("phantom", "changed_content", "wrong_sender", "foreign_mailbox", "refused_but_delivered"),
        Demand.DELIVERY,
        _always,
    ),
    Promise(
        "on-time",
        "a message is delivered within 2 s of its acceptance, polling every 2 s",
        on_time,
        _LATE,
        Demand.WHERE_RECORDED,
        _always,
    ),
    Promise(
        "available",
        "sends and polls are answered within 1 s, also while one store is gone, in the way the row says",
        available,
        ("wrong_status", "unanswered", "too_slow", "not_degraded", "not_back", "endless"),
        Demand.WHERE_RECORDED,
        _always,
    ),
    Promise(
        "recovers",
        "2 s after a fault has healed, deliveries are on time again, and what had waited arrives",
        recovers,
        (*_LATE, "still_missing"),
        Demand.WHERE_RECORDED,
        lambda history: bool(history.faults),
    ),
    Promise(
        "bounded",
        "no queue in Redis has more than 1,000 entries, and every key has a TTL",
        bounded,
        ("queue_too_long", "queue_without_ttl", "key_without_ttl"),
        Demand.WHERE_RECORDED,
        lambda history: bool(history.looks),
    ),
    Promise(
        "retention-told",
        "where a reader's cursor, or first poll, is before what is still kept, the answer says so (`gap`); "
        "it says so nowhere else",
        retention_told,
        ("silent_gap", "false_gap"),
        Demand.WHERE_RECORDED,
        has_retention_to_tell,
    ),
    Promise(
        "private",
        "no user can read another user's mailbox, send as that user, or learn about them",
        private,
        _ATTEMPTS,
    ),
    Promise(
        "refuses",
        "what is malformed, oversized or nonsense is refused, and nothing else happens",
        refuses,
        _ATTEMPTS,
        Demand.BY_NAME,
        lambda history: bool(history.attempts),
    ),
    Promise(
        "contiguous",
        "the accepted messages of a mailbox are numbered without a hole, with strictly rising timestamps",
        contiguous,
        ("hole",),
    ),
    Promise(
        "no-leak",
        "memory, connections and files of the server and its stores do not keep growing under steady traffic",
        no_leak,
        ("grows",),
    ),
    Promise(
        "stops-cleanly",
        "after SIGTERM a server finishes what it accepted, and ends",
        stops_cleanly,
        ("cut_off", "left_waiting", "never_ended"),
    ),
)
