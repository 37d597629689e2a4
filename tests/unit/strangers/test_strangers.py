"""What is said of the strangers fits the plan, their profiles and the document."""

import json
import tomllib
from pathlib import Path

import pytest

from harness.plan.rows import read_plan
from harness.targets.profile import Profile
from harness.typed import typed
from strangers import __main__ as command
from strangers.catalogue import STRANGERS, Stranger

ROOT = Path(__file__).parents[3]
RESULTS = {
    "started_at": "2026-11-26T02:13:28+00:00",
    "rows": [{"id": "FLOW-01", "verdict": "fail"}],
    "promises": {
        "no-loss": {"promise": "no-loss", "verdict": "fail"},
        "order": {"promise": "order", "verdict": "pass"},
    },
}
FIRST = STRANGERS[0].name


def judged(name: str) -> Stranger:
    return Stranger(name, "nchan/nchan.toml", lambda: "1.0", (), ())


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "strangers.md"
    path.write_text(f"before\n{command.BEGIN}{command.HEAD}{command.END}after\n", encoding="utf-8")
    monkeypatch.setattr(command, "DOCUMENT", path)
    return path


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda one: one.name)
def test_each_profile_is_right_and_names_a_class_that_is_there(stranger: Stranger) -> None:
    path = ROOT / "strangers" / stranger.profile
    profile = typed(tomllib.loads(path.read_text(encoding="utf-8")), Profile)
    file, _, name = profile.adapter.partition(":")
    assert f"class {name}(" in (path.parent / file).read_text(encoding="utf-8")


def test_each_row_is_in_the_plan() -> None:
    known = {row.id for row in read_plan(ROOT / "TEST_REALTIME_MESSAGING.md")}
    assert {row for one in STRANGERS for row in one.rows} <= known


def test_the_document_has_a_line_for_each_system_that_was_judged() -> None:
    text = (ROOT / "docs" / "strangers.md").read_text(encoding="utf-8")
    table = text.partition(command.BEGIN)[2].partition(command.END)[0]
    assert table.startswith(command.HEAD)
    names = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]]
    assert names == [one.name for one in STRANGERS if one.name in names]


def test_a_line_says_what_was_kept_and_broken(document: Path) -> None:
    command._write(FIRST, command._line(judged(FIRST), RESULTS))
    line = f"| {FIRST} | 1.0 | 2026-11-26 | `order` | `no-loss` | none | none | FLOW-01 fail |\n"
    assert document.read_text(encoding="utf-8") == (
        f"before\n{command.BEGIN}{command.HEAD}{line}{command.END}after\n"
    )


def test_a_new_verdict_takes_the_place_of_the_old_one(document: Path) -> None:
    older = json.loads(json.dumps(RESULTS)) | {"started_at": "2025-01-01T00:00:00+00:00"}
    second = STRANGERS[1].name
    command._write(second, command._line(judged(second), RESULTS))
    command._write(FIRST, command._line(judged(FIRST), older))
    command._write(FIRST, command._line(judged(FIRST), RESULTS))
    text = document.read_text(encoding="utf-8")
    assert "2025" not in text
    assert text.index(f"| {FIRST} |") < text.index(f"| {second} |")


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nonsense"]) == 2
    assert capsys.readouterr().err.startswith("Unknown: nonsense. Legal are Nchan")


def test_a_system_that_is_not_installed_is_named_with_what_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version() -> str:
        raise FileNotFoundError("absent")

    absent = Stranger("Absent", "nchan/nchan.toml", version, ("apt-get", "install", "absent"), ())
    monkeypatch.setattr(command, "STRANGERS", (absent,))
    assert command.main([]) == 2
    assert capsys.readouterr().err == "Absent is not installed. Install it: apt-get install absent\n"
