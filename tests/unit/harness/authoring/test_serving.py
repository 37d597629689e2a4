"""How a server that does not serve ends a trial: as a profile that does not fit, or as nothing at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from harness.authoring import serving
from harness.errors import DoesNotFit, HarnessError, InfrastructureError, NeverReady
from harness.targets.profile import Profile


@contextlib.contextmanager
def no_services(**options: object) -> Iterator[None]:
    yield None


@pytest.mark.parametrize(("status", "kind"), [(404, DoesNotFit), (None, InfrastructureError)])
def test_a_wrong_ready_path_is_the_profiles_fault_and_silence_is_not(
    status: int | None, kind: type[HarnessError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never_ready(*words: object, **options: Any) -> None:
        raise NeverReady("It did not serve.", last_lines="its last lines", last_status=status)

    monkeypatch.setattr(serving, "Services", no_services)
    monkeypatch.setattr(serving, "running_target", lambda *words, **options: entering(never_ready))
    with pytest.raises(kind, match="It did not serve") as told, serving.served(PROFILE, say=print):
        pass
    assert told.value.last_lines == "its last lines"


PROFILE = Profile(name="mine", command=("x",))


@contextlib.contextmanager
def entering(call: Any) -> Iterator[None]:
    call()
    yield


def test_a_server_that_runs_is_not_started() -> None:
    with serving.served(Profile(name="mine", url="http://127.0.0.1:9"), say=print) as url:
        assert url == "http://127.0.0.1:9"
