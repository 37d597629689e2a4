"""What the exit codes and kinds of the harness's errors promise to the command line."""

import pytest

from harness.errors import DeadlineMissed, HarnessError, InfrastructureError, ProcessDied, UsageError


@pytest.mark.parametrize(
    ("error", "exit_code"), [(UsageError, 2), (InfrastructureError, 3), (ProcessDied, 3), (DeadlineMissed, 3)]
)
def test_each_error_knows_the_exit_code_of_the_command_line(error, exit_code):
    assert error("a sentence.").exit_code == exit_code
    assert issubclass(error, HarnessError)


def test_a_missed_deadline_is_a_timeout_to_code_that_knows_only_python():
    assert issubclass(DeadlineMissed, TimeoutError)
    assert issubclass(DeadlineMissed, InfrastructureError)


def test_wrong_usage_is_never_taken_for_failed_infrastructure():
    assert not issubclass(UsageError, InfrastructureError)
