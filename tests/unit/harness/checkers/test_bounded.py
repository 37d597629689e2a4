"""bounded: what a look into Redis may show, and when it counts."""

from __future__ import annotations

from harness.checkers import bounded
from harness.verdict import Verdict

from .histories import Story
from .test_no_loss import kinds


def test_a_short_queue_that_expires_is_right() -> None:
    judgement = bounded(Story().queue(1.0, length=1000).keys(1.1).history())
    assert judgement.verdict is Verdict.PASS
    assert judgement.evidence["longest_queue"] == 1000
    assert judgement.evidence["looks_at_all_keys"] == 1


def test_a_queue_that_is_too_long_fails() -> None:
    judgement = bounded(Story().queue(1.0, length=1001).history())
    assert kinds(judgement) == ["queue_too_long"]
    assert judgement.reason == "messages:bob had 1001 entries at 1.000 s; at most 1000 are promised."


def test_a_queue_or_a_key_that_never_expires_fails() -> None:
    judgement = bounded(Story().queue(1.0, ttl_ms=-1).keys(1.1, "messages:bob", "x").history())
    assert kinds(judgement) == ["queue_without_ttl", "key_without_ttl"]


def test_a_queue_that_is_gone_has_no_ttl_to_lack() -> None:
    gone = Story().queue(1.0, type="none", length=0, ttl_ms=-2)
    assert bounded(gone.history()).verdict is Verdict.INCONCLUSIVE
    assert bounded(gone.queue(2.0).history()).verdict is Verdict.PASS


def test_what_the_harness_itself_wrote_into_redis_is_not_judged_until_the_recovery_is_due() -> None:
    def story(at: float) -> Story:
        told = Story().queue(0.5)
        told.fault("redis wrong type", inject=1, active=1.1, heal=5, healed=5.1)
        return told.queue(at, ttl_ms=-1).keys(at, "messages:bob")

    assert bounded(story(7.0).history()).verdict is Verdict.PASS
    assert bounded(story(7.2).history()).verdict is Verdict.FAIL
