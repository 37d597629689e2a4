"""Options that cannot be used are one sentence, before anything starts."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path

import configargparse
import pytest

from harness.errors import UsageError
from loadtests import options


def parse(*words: str) -> Namespace:
    parser = configargparse.ArgumentParser()  # what Locust's own is
    options.add_options(parser)
    return Namespace(**vars(parser.parse_args(list(words))) | {"num_users": 5, "run_time": 60})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--send-every", "0"], "'0' is not a number of seconds above 0"),
        (["--send-every", "-1"], "is not a number of seconds above 0"),
        (["--send-every", "nan"], "is not a number of seconds above 0"),
        (["--keep-alive", "soon"], "is not a number of seconds above 0"),
        (["--seed", "seven"], "'seven' is not a whole number"),
        (["--shape", "round"], "'round' is not one of steady, ramp, spike, storm, fault"),
    ],
)
def test_a_value_that_cannot_be_used_is_wrong_usage(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_options_come_from_the_environment_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUST_TARGET", "mine.toml")
    monkeypatch.setenv("LOCUST_SEND_EVERY", "0.5")
    assert parse().target == "mine.toml"
    assert parse().send_every == 0.5


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"num_users": 0}, "--users is 0"),
        ({"num_users": -3}, "--users is -3"),
        ({"shape": "ramp", "run_time": None}, "--shape ramp needs --run-time"),
        ({"reports": __file__}, "is not a folder"),
    ],
)
def test_options_that_do_not_fit_each_other_are_one_sentence(changed: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        options.check(Namespace(**vars(parse()) | changed))


def test_a_run_without_a_seed_gets_one(tmp_path: Path) -> None:
    chosen = parse("--reports", str(tmp_path))
    options.check(chosen)
    assert 0 <= chosen.seed < 2**32
    assert options.load_of(chosen).run_time_s == 60
    chosen.run_time = None
    options.check(chosen)
    assert options.load_of(chosen).run_time_s == math.inf
