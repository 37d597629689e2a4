"""Every kind of finding there is, by promise: docs/verdicts.md says what each of them means."""

from __future__ import annotations

from collections.abc import Mapping

_ATTEMPTS = ("leaked", "not_refused", "wrong_refusal", "server_error", "unanswered")

KINDS: Mapping[str, tuple[str, ...]] = {
    "no-loss": (
        "stored_but_skipped",
        "hole",
        "queued_but_never_served",
        "never_served",
        "not_stored",
        "stuck",
    ),
    "cursor": ("passed",),
    "no-duplicate": ("delivered_twice", "two_ids"),
    "order": ("out_of_order", "seq_not_rising", "timestamp_not_rising", "readers_disagree"),
    "no-phantom": (
        "phantom",
        "changed_content",
        "wrong_sender",
        "foreign_mailbox",
        "refused_but_delivered",
    ),
    "on-time": ("late", "never_delivered"),
    "available": ("wrong_status", "unanswered", "too_slow", "not_degraded", "not_back", "endless"),
    "recovers": ("late", "never_delivered", "still_missing"),
    "bounded": ("queue_too_long", "queue_without_ttl", "key_without_ttl"),
    "retention-told": ("silent_gap", "false_gap"),
    "flat": ("grows",),
    "private": _ATTEMPTS,
    "refuses": _ATTEMPTS,
    "contiguous": ("hole",),
    "stops-cleanly": ("cut_off", "left_waiting", "never_ended"),
}
