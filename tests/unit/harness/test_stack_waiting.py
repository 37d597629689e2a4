"""Waiting for a predicate: what it returns, what it forgives, what it says in the end."""

import pytest

from harness.errors import DeadlineMissed
from harness.stack.waiting import wait_until


def raising(*outcomes):
    """A predicate that raises or returns these, one a call, and the last one for ever."""
    left = list(outcomes)

    def predicate():
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return predicate


def test_the_first_true_value_is_returned():
    assert wait_until(raising(None, 0, "here"), deadline_s=5, what="it") == "here"


def test_a_forgiven_exception_means_not_yet():
    assert wait_until(raising(ConnectionRefusedError(), "here"), deadline_s=5, what="it") == "here"


def test_any_other_exception_ends_the_wait_at_once():
    with pytest.raises(KeyError):
        wait_until(raising(KeyError("typo"), "here"), deadline_s=5, what="it")


def test_which_exceptions_are_forgiven_is_the_callers_choice():
    assert wait_until(raising(KeyError(), 1), deadline_s=5, what="it", retry_on=(KeyError,)) == 1


def test_the_predicate_is_called_once_even_without_any_time():
    assert wait_until(lambda: "here", deadline_s=0, what="it") == "here"


def test_a_missed_deadline_names_what_was_waited_for_and_the_last_exception():
    refused = ConnectionRefusedError("port 6379")
    with pytest.raises(DeadlineMissed) as caught:
        wait_until(raising(refused), deadline_s=0, what="redis to answer")
    assert str(caught.value) == (
        "Waited 0 s without success for redis to answer (last: ConnectionRefusedError: port 6379)."
    )
    assert caught.value.__cause__ is refused


def test_without_an_exception_only_what_was_waited_for_is_named():
    with pytest.raises(DeadlineMissed, match=r"^Waited 0 s without success for redis to answer\.$"):
        wait_until(lambda: False, deadline_s=0, what="redis to answer")
