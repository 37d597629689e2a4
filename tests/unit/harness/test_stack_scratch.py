from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness.errors import CannotWrite
from harness.stack import scratch


@pytest.fixture(autouse=True)
def usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "usual"
    place.mkdir()
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_a_run_keeps_its_data_in_memory_where_there_is_plenty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "ROOM_BYTES", 1)
    folder = scratch.scratch_folder(tmp_path)
    assert folder.parent == tmp_path
    assert folder.name.startswith("pollproof-")


def test_little_room_no_such_place_and_a_place_of_the_users_own_mean_the_usual_one(
    tmp_path: Path, usual_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "ROOM_BYTES", 2**62)
    assert scratch.scratch_folder(tmp_path).parent == usual_place
    monkeypatch.setattr(scratch, "ROOM_BYTES", 1)
    assert scratch.scratch_folder(tmp_path / "missing").parent == usual_place
    monkeypatch.setenv("TMPDIR", str(usual_place))
    assert scratch.scratch_folder(tmp_path).parent == usual_place


def test_where_nothing_temporary_can_be_written_the_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")
    with pytest.raises(CannotWrite, match=r"^A temporary folder cannot be written: .*; TMPDIR=FOLDER"):
        scratch.scratch_folder(tmp_path / "missing")
