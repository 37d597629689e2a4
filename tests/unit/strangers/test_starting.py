"""How the strangers are configured, and the folder in which one keeps its state."""

import configparser
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from strangers import catalogue
from strangers.kinto import start as kinto
from strangers.matrix import start as matrix
from strangers.nchan import start as nchan
from strangers.starting import state_folder


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["", "row_1"])
def test_a_folder_is_there_until_the_end(temporary: Path, name: str) -> None:
    with state_folder(name) as folder:
        (folder / "data").write_text("", encoding="utf-8")
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_found_again_by_its_name(temporary: Path) -> None:
    (temporary / "stranger-row_1").mkdir()
    (temporary / "stranger-row_1" / "data").write_text("kept", encoding="utf-8")
    with state_folder("row_1") as folder:
        assert (folder / "data").read_text(encoding="utf-8") == "kept"


def test_a_signal_to_end_removes_the_folder(temporary: Path) -> None:
    with pytest.raises(SystemExit) as ended, state_folder():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM
    assert list(temporary.iterdir()) == []


def test_synapse_has_no_limits_made_for_people(tmp_path: Path) -> None:
    said = json.loads(json.dumps(matrix.configuration(tmp_path, "127.0.0.1", 8008)))
    limits = [said[name] for name in matrix.WHOLE]
    limits += [said[name][kind] for name, kinds in matrix.BY_KIND.items() for kind in kinds]
    assert limits == [matrix.UNLIMITED] * 9
    assert [one["bind_addresses"] for one in said["listeners"]] == [["127.0.0.1"]]


def test_kinto_keeps_records_in_postgresql() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(kinto.CONFIGURATION.format(url="postgresql://x", host="127.0.0.1", port="1"))
    assert parser["app:main"]["kinto.storage_url"] == "postgresql://x"
    assert (parser["server:main"]["host"], parser["server:main"]["port"]) == ("127.0.0.1", "1")


def test_nchan_listens_where_it_must() -> None:
    said = nchan.CONFIGURATION.format(module="m.so", folder="/f", host="127.0.0.1", port=1, buffer="")
    assert "listen 127.0.0.1:1;" in said
    assert said.count("{") == said.count("}") > 0
    assert "{{" not in said


def test_the_version_of_a_program_is_that_of_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "centrifugo: go1.26\n\tpath\texample.org/c/v6\n\tmod\texample.org/c/v6\tv6.9.1\th1:x=\n\tdep\ta\tv1\n"
    )
    done = subprocess.CompletedProcess([], 0, said)
    monkeypatch.setattr(subprocess, "run", lambda *command, **options: done)
    assert catalogue.go_version("/bin/centrifugo") == "v6.9.1"
