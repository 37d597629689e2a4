"""Target profiles: the bundled one is right, and a wrong one is told in one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.checkers import PROMISES
from harness.errors import UsageError
from harness.history import Bounds
from harness.policy import Features, Policy, Statuses
from harness.semantics import Semantics
from harness.targets.profile import TARGETS, load_profile


def test_the_bundled_profile_promises_the_defaults() -> None:
    profile = load_profile("reference")
    assert profile.command[-1] == "reference_server"
    assert profile.bounds == Bounds()
    assert (profile.policy, profile.statuses) == (Policy(), Statuses())
    assert profile.has == Features(redis_sentinel=True, redis_cluster=True), (
        "what few servers have is left out by default"
    )
    assert profile.semantics == Semantics()
    assert profile.workers >= 2


def test_the_bundled_profile_with_sentinels_differs_in_them_alone() -> None:
    reference, named = load_profile("reference"), load_profile("reference-sentinel")
    assert named.stores["redis"].sentinels == 3
    assert replace(named, name=reference.name, stores=reference.stores) == reference


def test_a_profile_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\ncommand = ["run", "{port}"]\nworkers = 3\n[bounds]\nanswers_within_s = 2\n',
        encoding="utf-8",
    )
    profile = load_profile(str(path))
    assert (profile.name, profile.command, profile.workers) == ("mine", ("run", "{port}"), 3)
    assert profile.bounds.answers_within_s == 2


MINE = 'name = "x"\ncommand = ["x"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing required field `name`"),
        ('name = "x"', "missing required field `command`"),
        ('command = ["x"]', "missing required field `name`"),
        ('name = 1\ncommand = ["x"]', "expected `str`, got `int` at `name`"),
        ('name = "x"\ncommand = []', "missing required field `command`, or `url`"),
        ('name = "x"\ncommand = "x"', "got `str` at `command`"),
        ('name = "x"\ncommand = ["x", 1]', "expected `str`, got `int` at `command[1]`"),
        (
            MINE + "wrokers = 2",
            "unknown field `wrokers`; legal are adapter, adapter_options, bounds, command, env, has,",
        ),
        (MINE + '"a\\nb" = 2', r"unknown field `a\nb`; legal are"),
        (
            MINE + '"a - at `$.bounds`" = 2',
            "unknown field `a - at `$.bounds``; legal are adapter, adapter_options, bounds, command,",
        ),
        (MINE + 'workers = "2"', 'in line 3, expected `int`, got `str` at `workers`, not "2".'),
        (MINE + "workers = true", "expected `int`, got `bool` at `workers`"),
        (MINE + "workers = 2.0", "expected `int`, got `float` at `workers`"),
        (MINE + "workers = 0", "expected `int` >= 1 at `workers`"),
        (MINE + f"workers = {10**30}", "expected `int` <= 1000000 at `workers`"),
        (MINE + "ready_within_s = 1979-05-27", "got `date` at `ready_within_s`"),
        (MINE + "stores_as_the_contract = 1", "expected `bool`, got `int` at `stores_as_the_contract`"),
        (MINE + "env = {A = [1]}", "got `array` at `env.A`, not [1]."),
        (MINE + "bounds = 1", "expected `object`, got `int` at `bounds`"),
        (
            MINE + "[bounds]\nspeed = 1",
            "unknown field `speed` at `bounds`; legal are acceptable_round_trip_s,",
        ),
        (MINE + "[bounds]\nanswers_within_s = 0", "expected `float` > 0.0 at `bounds.answers_within_s`"),
        (MINE + "[bounds]\nanswers_within_s = nan", "expected `float` > 0.0 at `bounds.answers_within_s`"),
        (MINE + "[bounds]\nanswers_within_s = inf", "expected `float` <= 86400.0"),
        (MINE + f"[bounds]\nanswers_within_s = {10**400}", "out of range at `bounds.answers_within_s`"),
        (
            MINE + '[bounds]\nanswers_within_s = "1"',
            "expected `float`, got `str` at `bounds.answers_within_s`",
        ),
        (
            MINE + '[policy]\nmalformed_since = "kept"',
            "enum value 'kept' at `policy.malformed_since`; legal are ignored, refused.",
        ),
        (
            MINE + '[semantics]\ncursor = "etag"',
            "enum value 'etag' at `semantics.cursor`; legal are header, id, none, sequence, timestamp,",
        ),
        (
            MINE + "[semantics]\nexactly_once = true",
            "unknown field `exactly_once` at `semantics`; legal are boundary,",
        ),
        (MINE + "[semantics]\nkey_holds_s = 0", "expected `float` > 0.0 at `semantics.key_holds_s`"),
        (
            MINE + '[semantics]\npromises = ["no-loss", "speed"]',
            "unknown promise 'speed' at `semantics.promises`; legal are no-loss, no-duplicate,",
        ),
        (MINE + '[semantics]\npromises = "none"', "`semantics.promises`"),
        (MINE + "[policy]\nmalformed_since = 1", "expected `str`, got `int` at `policy.malformed_since`"),
        (MINE + "[policy]\nlongest_message = 0", "expected `int` >= 1 at `policy.longest_message`"),
        *(
            (MINE + f"[statuses]\nunknown_user = {codes}", "or a list of them at `statuses.unknown_user`")
            for codes in ("200", "500", "[]", "true", "404.0", '"404"', "[404, [404]]", "{a = 404}")
        ),
        (MINE + "[has]\nmetrics = 1", "expected `bool`, got `int` at `has.metrics`"),
        (MINE + "[has]\nwings = true", "unknown field `wings` at `has`; legal are case_sensitive_names,"),
    ],
)
def test_a_wrong_profile_is_one_clear_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    sentence = _refused(path)
    assert sentence.startswith(f"The target profile {path} is wrong: ")
    assert said in sentence
    assert sentence.isprintable()


@pytest.mark.parametrize(
    "raw",
    [
        b"name = ",
        b'name = "\xff"',
        MINE.encode("utf-16"),
        b"name = " + b"[" * 100_000,
        b"workers = " + b"9" * 5_000,
        b"\0",
    ],
)
def test_what_is_not_toml_in_utf_8_is_one_clear_sentence(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "wrong.toml"
    path.write_bytes(raw)
    assert _refused(path).startswith(f"The target profile {path} cannot be read: ")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5_000, "nothing/"])
def test_a_path_that_leads_to_no_file_is_one_clear_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing").mkdir()
    assert "target profile" in _refused(name)


def test_a_byte_order_mark_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE, encoding="utf-8-sig")
    assert load_profile(str(path)).name == "x"


def test_the_environment_may_be_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE + '[env]\nA = 1\nB = true\nC = 1.5\nD = "x"\n', encoding="utf-8")
    assert load_profile(str(path)).env == {"A": 1, "B": True, "C": 1.5, "D": "x"}


def _refused(path: Path | str) -> str:
    """The one sentence that a profile is refused with."""
    with pytest.raises(UsageError) as caught:
        load_profile(str(path))
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_server_stores_as_the_contract_unless_its_profile_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\ncommand = ["run"]\nstores_as_the_contract = false\n', encoding="utf-8")
    assert load_profile("reference").stores_as_the_contract
    assert not load_profile(str(path)).stores_as_the_contract


def test_what_honest_servers_do_differently_is_in_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\ncommand = ["run"]\n[policy]\nlimit_outside = "clamped"\n'
        "[statuses]\ninvalid = 422\nunknown_user = [403, 404]\n[has]\nmetrics = false\n",
        encoding="utf-8",
    )
    profile = load_profile(str(path))
    assert profile.policy == Policy(limit_outside="clamped")
    assert profile.statuses.invalid == {422}
    assert profile.statuses.unknown_user == {403, 404}
    assert (profile.lacks["metrics"], profile.lacks["readiness"]) == (
        "the target's profile says metrics = false",
        "",
    )


def test_semantics_are_in_the_profile_and_every_promise_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    names = [promise.name for promise in PROMISES]
    path.write_text(f'{MINE}[semantics]\ncursor = "token"\npromises = {names}\n', encoding="utf-8")
    assert load_profile(str(path)).semantics == Semantics(cursor="token", promises=tuple(names))


def test_the_bundled_profile_names_every_key_of_the_semantics() -> None:
    text = (TARGETS / "reference.toml").read_text(encoding="utf-8")
    section = text.split("[semantics]\n")[1].split("\n\n")[0]
    assert set(re.findall(r"^(?:# )?(\w+) = ", section, re.MULTILINE)) == set(Semantics.__struct_fields__)


def test_a_missing_profile_names_the_bundled_ones() -> None:
    with pytest.raises(UsageError, match=r"There is no target profile 'nowhere'.*reference"):
        load_profile("nowhere")
