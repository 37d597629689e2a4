"""One run at a time has the folder of its results, and the next one is not handed the results of the last."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.runner.folder import FILES, FOLDERS, LOCK, held, new_run


def leave_results(folder: Path) -> list[Path]:
    files = [folder / name for name in FILES] + [folder / name / "server.log" for name in FOLDERS]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("of a run", encoding="utf-8")
    return files


def test_a_run_finds_its_folder_made_and_without_the_results_of_an_earlier_run(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "latest"
    with held(folder, new_run()):
        files = leave_results(folder)
    (folder / "notes.txt").write_text("somebody's own", encoding="utf-8")
    with held(folder, new_run()):
        assert not [file for file in files if file.exists()]
    assert (folder / "notes.txt").exists()


def test_each_process_of_a_run_has_the_folder_and_only_the_first_clears_it(tmp_path: Path) -> None:
    run = new_run()
    with held(tmp_path, run):
        files = leave_results(tmp_path)
        with held(tmp_path, run), held(tmp_path, run):
            pass
        assert [file for file in files if file.exists()] == files


def test_another_run_is_refused_and_told_whose_the_folder_is(tmp_path: Path) -> None:
    with held(tmp_path, new_run()):
        files = leave_results(tmp_path)
        with pytest.raises(UsageError) as refused, held(tmp_path, new_run()):
            pytest.fail("two runs have one folder")
        assert [file for file in files if file.exists()] == files
    assert f"{tmp_path} is in use by another run, process {os.getpid()} (" in str(refused.value)
    assert "--reports FOLDER" in str(refused.value)


def test_a_run_is_refused_also_while_only_a_later_process_of_the_other_is_left(tmp_path: Path) -> None:
    run = new_run()
    with held(tmp_path, run):
        worker = held(tmp_path, run)
        worker.__enter__()
    with pytest.raises(UsageError, match="in use by another run"), held(tmp_path, new_run()):
        pytest.fail("two runs have one folder")
    worker.__exit__(None, None, None)
    with held(tmp_path, new_run()):
        pass


def test_what_a_dead_run_wrote_into_its_lock_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("0123456789abcdef\nprocess 1 (`init`)\n" * 100, encoding="utf-8")
    run = new_run()
    with held(tmp_path, run):
        assert (tmp_path / LOCK).read_text(encoding="utf-8").startswith(f"{run}\nprocess {os.getpid()} ")


def test_a_command_with_names_that_are_not_utf_8_has_the_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "harness", "run", "--target", "\udcff.toml"])
    run = new_run()
    with held(tmp_path, run), held(tmp_path, run):
        assert b"\xff.toml" in (tmp_path / LOCK).read_bytes()


@pytest.mark.parametrize("below", ["", "latest"])
def test_a_folder_that_cannot_be_written_to_is_one_sentence_with_its_path(tmp_path: Path, below: str) -> None:
    place = tmp_path / "reports"
    place.touch()
    with pytest.raises(UsageError) as refused, held(place / below, new_run()):
        pytest.fail("a file is not a folder")
    why = "Not a directory" if below else "File exists"
    assert str(refused.value) == (
        f"The results cannot be written to {place / below}: {why};"
        " --reports FOLDER puts the results elsewhere."
    )
