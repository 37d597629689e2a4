"""What a row checks by itself is demanded only of a target that promises it."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from harness.history import Bounds, Outcome, Recorder
from harness.run import CertainlyBroken, Run
from harness.run.seen import Seen
from harness.scenarios import endpoints_poll, security_limits
from harness.semantics import Semantics

NO_LOSS_ALONE = Semantics(promises=("no-loss",))


def target(semantics: Semantics) -> Any:
    """A run, as far as these checks use it."""
    run: Any = SimpleNamespace(semantics=semantics, wire=SimpleNamespace(send=SimpleNamespace(ok={200})))
    run.promises = lambda promise: Run.promises(run, promise)
    return run


def page(*contents: str) -> Any:
    return SimpleNamespace(messages=[SimpleNamespace(content=content) for content in contents])


@pytest.mark.parametrize("came", [("b", "a"), ("a",), ("a", "b", "b")])
def test_what_a_page_has_is_demanded_of_a_target_that_promises_it(came: tuple[str, ...]) -> None:
    assert endpoints_poll._is_read(target(Semantics()), page("a", "b"), ["a", "b"])
    assert not endpoints_poll._is_read(target(Semantics()), page(*came), ["a", "b"])
    assert endpoints_poll._is_read(target(NO_LOSS_ALONE), page(*came), ["a", "b"])
    assert endpoints_poll._is_read(target(Semantics(order="none")), page(*came), ["a", "b"])


def test_that_nothing_comes_again_is_demanded_of_a_target_that_promises_it() -> None:
    assert not endpoints_poll._is_nothing_new(target(Semantics()), page("a"))
    assert endpoints_poll._is_nothing_new(target(Semantics(delivery="at_least_once")), page("a"))


@pytest.mark.parametrize(
    ("stored", "promises", "is_right"),
    [
        (2, "all", True),
        (1, "all", False),
        (3, "all", False),
        (1, ("no-loss",), False),
        (3, ("no-loss",), True),
        (1, ("no-duplicate",), True),
        (3, ("no-duplicate",), False),
    ],
)
def test_what_was_accepted_is_counted_as_far_as_that_is_promised(
    stored: int, promises: Any, is_right: bool
) -> None:
    answer = SimpleNamespace(
        outcome=Outcome.OK, said=SimpleNamespace(messages=[1] * stored, next_since=None, has_more=False)
    )
    dave: Any = SimpleNamespace(poll=lambda parameters: answer)
    sends: Any = [SimpleNamespace(status=200)] * 2
    run = target(Semantics(promises=promises))
    if is_right:
        security_limits._check_stored(run, dave, sends)
        return
    with pytest.raises(CertainlyBroken, match=f"2 messages of 2 were accepted, and {stored} arrived"):
        security_limits._check_stored(run, dave, sends)


@pytest.mark.parametrize(("semantics", "unmarked"), [(Semantics(), 1), (NO_LOSS_ALONE, 0)])
def test_a_replay_must_be_marked_by_a_target_that_stores_a_message_once(
    semantics: Semantics, unmarked: int
) -> None:
    recorder = Recorder(io.BytesIO(), row="R", title="", seed=1, bounds=Bounds(), semantics=semantics)
    for op in (1, 2):
        recorder.record(
            "send", op=op, sender="a", recipient="b", content="c", client_message_id="one", intended=0
        )
        recorder.record("sent", op=op, outcome="ok", status=200, id="1", replayed=False)
    assert Seen(recorder).unmarked_replays() == unmarked
