"""Every setting is validated, refused with a sentence that helps, and documented."""

from __future__ import annotations

import dataclasses

import pytest

from reference_server.config import SETTINGS, Config
from reference_server.setting import ConfigError, Setting

SECRET = "s" * 32


def config(**environment: str) -> Config:
    return Config.from_env({"SECRET_KEY": SECRET, **environment})


def test_the_defaults_are_what_the_contract_promises() -> None:
    defaults = config()
    assert defaults.poll_interval_ms == 2000
    assert defaults.message_limit == 1000
    assert defaults.queue_limit == 1000
    assert defaults.queue_ttl_seconds == 30 * 24 * 3600
    assert defaults.workers == 2


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    assert {field.name for field in dataclasses.fields(Config)} == {
        setting.name.lower() for setting in SETTINGS
    }


def test_a_setting_is_read_from_its_variable() -> None:
    assert config(PORT=" 9000 ").port == 9000
    assert config(REDIS_URL="redis://elsewhere:1/2").redis_url == "redis://elsewhere:1/2"
    assert config(MESSAGE_LIMIT="").message_limit == 1000


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "0", "PORT must be a whole number from 1 to 65,535, not '0'."),
        ("PORT", "65536", "PORT must be a whole number from 1 to 65,535, not '65536'."),
        ("PORT", "80.5", "PORT must be a whole number from 1 to 65,535, not '80.5'."),
        ("PORT", "٨٠", "PORT must be a whole number from 1 to 65,535, not '٨٠'."),
        ("WORKERS", "-1", "WORKERS must be a whole number from 1 to 64, not '-1'."),
        ("WORKERS", "9" * 5000, "WORKERS must be a whole number from 1 to 64"),
        ("MESSAGE_LIMIT", "10001", "MESSAGE_LIMIT must be a whole number from 1 to 10,000, not '10001'."),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, not 'loud'."),
        ("REDIS_URL", "localhost:6379", "REDIS_URL must be a URL like redis://… or rediss://… or unix://… or redis+sentinel://HOST:26379,…/SERVICE"),
        ("REDIS_URL", "redis://", "REDIS_URL must be a URL"),
        ("REDIS_URL", "redis://host:port/0", "REDIS_URL must be a URL"),
        ("MONGODB_URL", "http://host", "MONGODB_URL must be a URL like mongodb://… or mongodb+srv://…."),
        ("MONGODB_URL", "mongodb://host:99999/", "MONGODB_URL must be a URL"),
        ("MONGODB_URL", "mongodb://one:27017,two:x/", "MONGODB_URL must be a URL"),
        ("MONGODB_DATABASE", "a.b", "MONGODB_DATABASE must be"),
        ("SECRET_KEY", "s" * 31, "SECRET_KEY must be text of 32 to 4,096 bytes."),
        ("SECRET_KEY", "", "SECRET_KEY is required and must be text of 32 to 4,096 bytes."),
    ],
)  # fmt: skip
def test_an_illegal_value_is_refused_with_one_sentence(name: str, value: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        config(**{name: value})
    assert str(refusal.value).startswith(sentence)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


def test_a_bound_itself_is_legal() -> None:
    assert config(PORT="1", WORKERS="64", MESSAGE_LIMIT="10000").message_limit == 10_000


def test_what_may_hold_a_secret_is_never_shown() -> None:
    for name, value in {
        "SECRET_KEY": "hunter2",
        "REDIS_URL": "hunter2",
        "MONGODB_URL": "http://u:hunter2@h",
    }.items():
        with pytest.raises(ConfigError) as refusal:
            config(**{name: value})
        assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_no_setting_takes_what_is_not_utf_8(setting: Setting) -> None:
    sentence = rf"{setting.name} must be UTF-8, and [^\n]+\."
    with pytest.raises(ConfigError, match=rf"\A{sentence}\Z"):
        config(**{setting.name: "\udcff" * 40})


NUMBERS = [setting for setting in SETTINGS if setting.rule.legal.startswith("a whole number")]


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.name)
@pytest.mark.parametrize(
    "value", ["9\x00", "٤٢", "-1", "+1", "1e3", "0x10", "1_000", "1,000", "1 2", "1.0", "9" * 40]
)
def test_a_number_is_decimal_digits_and_not_too_large(setting: Setting, value: str) -> None:
    sentence = rf"{setting.name} must be a whole number from [0-9,]+ to [0-9,]+, not [^\n]+\."
    with pytest.raises(ConfigError, match=rf"\A{sentence}\Z"):
        config(**{setting.name: value})


def test_time_outs_that_do_not_fit_into_the_contracts_second_are_told() -> None:
    assert config().warnings() == []
    assert config(REDIS_TIMEOUT_MS="450", MONGODB_TIMEOUT_MS="450").warnings() == []
    for long in ({"REDIS_TIMEOUT_MS": "451"}, {"MONGODB_TIMEOUT_MS": "501"}):
        assert len(config(**long).warnings()) == 1
