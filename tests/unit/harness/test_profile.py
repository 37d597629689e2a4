"""Target profiles: the bundled one is right, and a wrong one is told in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.history import Bounds
from harness.policy import Features, Policy, Statuses
from harness.targets.profile import load_profile


def test_the_bundled_profile_promises_the_defaults() -> None:
    profile = load_profile("reference")
    assert profile.command[-1] == "reference_server"
    assert profile.bounds == Bounds()
    assert (profile.policy, profile.statuses, profile.has) == (Policy(), Statuses(), Features())
    assert profile.workers >= 2


def test_a_profile_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\ncommand = ["run", "{port}"]\nworkers = 3\n[bounds]\nanswers_within_s = 2\n',
        encoding="utf-8",
    )
    profile = load_profile(str(path))
    assert (profile.name, profile.command, profile.workers) == ("mine", ("run", "{port}"), 3)
    assert profile.bounds.answers_within_s == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "cannot be read"),
        ('name = "x"', "the key 'command' is missing"),
        ('command = ["x"]', "the key 'name' is missing"),
        ('name = "x"\ncommand = []', "a list of strings that is not empty"),
        ('name = "x"\ncommand = "x"', "'command' is 'x'"),
        ('name = "x"\ncommand = ["x"]\nwrokers = 2', "the key 'wrokers' is unknown"),
        ('name = "x"\ncommand = ["x"]\nworkers = "2"', "'workers' is '2'"),
        ('name = "x"\ncommand = ["x"]\nworkers = true', "'workers' is True"),
        ('name = "x"\ncommand = ["x"]\nstores_as_the_contract = 1', "'stores_as_the_contract' is 1"),
        ('name = "x"\ncommand = ["x"]\n[bounds]\nspeed = 1', "the key 'bounds.speed' is unknown"),
        ('name = "x"\ncommand = ["x"]\n[bounds]\nanswers_within_s = 0', "must be above 0"),
        ('name = "x"\ncommand = ["x"]\n[bounds]\nanswers_within_s = "1"', "is '1'"),
        ('name = "x"\ncommand = ["x"]\nbounds = 1', "'bounds' is 1"),
        ('name = "x"\ncommand = ["x"]\n[policy]\nmalformed_since = "kept"', "not one of refused, ignored"),
        (
            'name = "x"\ncommand = ["x"]\n[policy]\nlongest_message = 0',
            "'policy.longest_message' must be above",
        ),
        ('name = "x"\ncommand = ["x"]\n[statuses]\nunknown_user = 200', "'statuses.unknown_user' is 200"),
        ('name = "x"\ncommand = ["x"]\n[statuses]\nunknown_user = []', "'statuses.unknown_user' is []"),
        ('name = "x"\ncommand = ["x"]\n[statuses]\nunknown_user = true', "'statuses.unknown_user' is True"),
        ('name = "x"\ncommand = ["x"]\n[has]\nmetrics = 1', "'has.metrics' is 1"),
        ('name = "x"\ncommand = ["x"]\n[has]\nwings = true', "the key 'has.wings' is unknown"),
    ],
)
def test_a_wrong_profile_is_one_clear_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_profile(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


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
    assert (profile.offers["metrics"], profile.offers["readiness"]) == (False, True)


def test_a_missing_profile_names_the_bundled_ones() -> None:
    with pytest.raises(UsageError, match=r"There is no target profile 'nowhere'.*reference"):
        load_profile("nowhere")
