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
from strangers.promising import promised

ROOT = Path(__file__).parents[3]
RESULTS = {
    "started_at": "2026-11-26T02:13:28+00:00",
    "rows": [
        {
            "id": "FLOW-02",
            "verdict": "inconclusive",
            "judgements": [
                {"promise": "order", "verdict": "pass"},
                {"promise": "no-loss", "verdict": "inconclusive"},
                {"promise": "on-time", "verdict": "inconclusive"},
            ],
        },
        {
            "id": "FLOW-01",
            "verdict": "fail",
            "judgements": [
                {"promise": "order", "verdict": "skipped"},
                {"promise": "cursor", "verdict": "skipped"},
                {"promise": "no-loss", "verdict": "fail"},
            ],
        },
    ],
}
AGAIN = {
    "rows": [
        {
            "id": "FLOW-02",
            "verdict": "pass",
            "judgements": [
                {"promise": "order", "verdict": "pass"},
                {"promise": "on-time", "verdict": "pass"},
            ],
        }
    ]
}
FIRST = STRANGERS[0].name
PROMISED = "cursor header, exactly once, total order, keeps all, retries are not safe"


def judged(name: str, story: str = "") -> Stranger:
    return Stranger(name, "nchan/nchan.toml", lambda: "1.0", "", (), story)


def absent() -> Stranger:
    def version() -> str:
        raise FileNotFoundError("absent")

    return Stranger("Absent", "nchan/nchan.toml", version, "apt-get install absent", ())


@pytest.fixture
def document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "strangers.md"
    path.write_text(f"before\n{command.BEGIN}{command.HEAD}{command.END}after\n", encoding="utf-8")
    monkeypatch.setattr(command, "DOCUMENT", path)
    return path


@pytest.fixture
def lines() -> dict[str, list[str]]:
    """The cells of the document's table, by the name of the system."""
    text = (ROOT / "docs" / "strangers.md").read_text(encoding="utf-8")
    assert text.partition(command.BEGIN)[2].startswith(command.HEAD)
    return {name: line.strip("|\n ").split(" | ") for name, line in command.lines_in(text).items()}


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda one: one.name)
def test_each_profile_is_right_and_names_a_class_that_is_there(stranger: Stranger) -> None:
    path = ROOT / "strangers" / stranger.profile
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#:schema ../../harness/targets/profile.schema.json\n")
    profile = typed(tomllib.loads(text), Profile)
    file, _, name = profile.adapter.partition(":")
    assert f"class {name}(" in (path.parent / file).read_text(encoding="utf-8")
    assert not stranger.story or (ROOT / "strangers" / "stories" / stranger.story).is_file()


def test_each_row_is_in_the_plan() -> None:
    known = {row.id for row in read_plan(ROOT / "TEST_REALTIME_MESSAGING.md")}
    assert {row for one in STRANGERS for row in one.rows} <= known


def test_the_document_has_a_line_for_each_system(lines: dict[str, list[str]]) -> None:
    assert list(lines) == [one.name for one in STRANGERS]
    assert {len(cells) for cells in lines.values()} == {len(command.COLUMNS)}


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda one: one.name)
def test_the_document_says_what_the_profile_promises(lines: dict[str, list[str]], stranger: Stranger) -> None:
    cells = dict(zip(command.COLUMNS, lines[stranger.name], strict=True))
    assert cells["Promised"] == promised(ROOT / "strangers" / stranger.profile)
    assert [row.split()[0] for row in cells["Rows"].split(", ")] == sorted(stranger.rows)
    assert (stranger.story or "none") in cells["Story"]


def test_whatever_is_broken_has_a_story(lines: dict[str, list[str]]) -> None:
    for cells in lines.values():
        line = dict(zip(command.COLUMNS, cells, strict=True))
        is_broken = line["Broken"] != "none" or " fail" in line["Rows"]
        assert is_broken == (line["Story"] != "none")


def test_a_line_says_what_was_kept_and_broken(document: Path) -> None:
    command._write(FIRST, command.line_of(judged(FIRST, "one.py"), RESULTS))
    line = (
        f"| {FIRST} | 1.0 | 2026-11-26 | {PROMISED} | `order` | `no-loss` | `on-time` | `cursor`"
        " | FLOW-01 fail, FLOW-02 inconclusive | [one.py](../strangers/stories/one.py) |\n"
    )
    assert document.read_text(encoding="utf-8") == (
        f"before\n{command.BEGIN}{command.HEAD}{line}{command.END}after\n"
    )


def test_a_row_that_was_run_again_counts_as_it_was_then() -> None:
    cells = command.line_of(judged(FIRST), RESULTS, AGAIN).strip("|\n ").split(" | ")
    assert cells[4:] == [
        "`order`, `on-time`",
        "`no-loss`",
        "none",
        "`cursor`",
        "FLOW-01 fail, FLOW-02 pass",
        "none",
    ]


def test_a_new_verdict_takes_the_place_of_the_old_one(document: Path) -> None:
    older = json.loads(json.dumps(RESULTS)) | {"started_at": "2025-01-01T00:00:00+00:00"}
    second = STRANGERS[1].name
    command._write(second, command.line_of(judged(second), RESULTS))
    command._write(FIRST, command.line_of(judged(FIRST), older))
    command._write(FIRST, command.line_of(judged(FIRST), RESULTS))
    text = document.read_text(encoding="utf-8")
    assert "2025" not in text
    assert text.index(f"| {FIRST} |") < text.index(f"| {second} |")


@pytest.mark.parametrize(
    ("semantics", "words"),
    [
        (
            {},
            "cursor timestamp, exactly once, total order, keeps 1,000 messages and signals gaps,"
            " retries are safe",
        ),
        (
            {
                "cursor": "none",
                "delivery": "at_least_once",
                "order": "none",
                "retention": "age",
                "gap_signalled": False,
                "key_holds_s": 300,
            },
            "cursor none, at least once, no order, keeps 3600 s, retries are safe for 300 s",
        ),
        (
            {"order": "per_sender", "retention": "none", "retry": "none"},
            "cursor timestamp, exactly once, per sender order, keeps all, retries are not safe",
        ),
    ],
)
def test_semantics_are_told_in_words(tmp_path: Path, semantics: dict[str, object], words: str) -> None:
    path = tmp_path / "profile.toml"
    said = "\n".join(f"{key} = {json.dumps(value)}" for key, value in semantics.items())
    path.write_text(f"[semantics]\n{said}\n", encoding="utf-8")
    assert promised(path) == words


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nonsense"]) == 2
    assert capsys.readouterr().err.startswith("Unknown: nonsense. Legal are Nchan")


def test_a_system_that_is_not_installed_is_left_out_with_what_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "STRANGERS", (absent(), judged("Here")))
    monkeypatch.setattr(command, "_judge", lambda one: 0)
    assert command.main([]) == 0
    said = "Left out: Absent is not installed. Install it: apt-get install absent\n"
    assert capsys.readouterr().err == said


def test_where_nothing_is_installed_nothing_can_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "STRANGERS", (absent(),))
    assert command.main([]) == 2
