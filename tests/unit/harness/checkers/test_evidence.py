"""Every verdict has the numbers that it rests on."""

from __future__ import annotations

from harness.checkers import CHECKERS, PROMISES, run_checker

from .histories import Story, message

SERVERS = {promise.name: promise.checker for promise in PROMISES}
"""The checkers of what servers promise."""


def test_every_verdict_has_sends_polls_and_windows() -> None:
    story = Story().send("a", 1.0).send("b", 2.0, status=400)
    story.fault("redis refused", inject=3.0, active=3.1, heal=5.0, healed=5.2)
    story.send("c", 2.9, 3.05).send("d", 4.0, status=None).send("e", 4.1, recipient="carol", status=503)
    story.poll(5.1, message("a", 1.0)).poll(5.3).poll(7.3, status=503).poll(9.3)
    for checker in SERVERS.values():
        assert run_checker(checker, story.history()).evidence["rests_on"] == {
            "fault_windows": [
                {"name": "redis refused", "injected_s": 3.0, "active_s": 3.1, "heal_s": 5.0, "healed_s": 5.2}
            ],
            "sends_inside_faults": {"acked": 1, "unknown": 2, "refused": 0},
            "sends_outside_faults": {"acked": 1, "unknown": 0, "refused": 1},
            "polls_after_the_heal": {"bob": 2, "carol": 0},
        }


def test_there_are_no_polls_after_a_fault_that_never_healed() -> None:
    story = Story().send("a", 1.0).fault("redis refused", inject=3.0, active=None, heal=None, healed=None)
    told = run_checker(CHECKERS["no-loss"], story.poll(4.0).history()).evidence["rests_on"]
    assert told["polls_after_the_heal"] == {"bob": 0}
    assert told["fault_windows"][0]["healed_s"] is None
