"""Timestamps: the contract's formats are read, one format is written, and nothing is lost between."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.timestamps import as_written, format_timestamp, parse_timestamp

NOON_US = 1_767_268_800_000_000
YEAR_1_US, YEAR_9999_US = -62_135_596_800_000_000, 253_402_300_799_999_999


@pytest.mark.parametrize(
    ("text", "expected_us"),
    [
        ("2026-01-01T12:00:00Z", NOON_US),
        ("2026-01-01T12:00:00.1Z", NOON_US + 100_000),
        ("2026-01-01T12:00:00.000001Z", NOON_US + 1),
        ("2026-01-01T12:00:00.123456Z", NOON_US + 123_456),
        ("2026-01-01T14:00:00+02:00", NOON_US),
        ("2026-01-01T14:00:00 02:00", NOON_US),
        ("2026-01-01T07:30:00.5-04:30", NOON_US + 500_000),
        ("2026-01-02T11:59:00+23:59", NOON_US),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00Z", YEAR_1_US),
        ("9999-12-31T23:59:59.999999Z", YEAR_9999_US),
        ("9999-12-31T23:59:59.999999-01:00", YEAR_9999_US + 3_600_000_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ],
)
def test_what_the_contract_spells_is_read(text: str, expected_us: int) -> None:
    assert parse_timestamp(text) == expected_us


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "now", "2026", "2026-01-01", "2026-01-01T12:00Z", "2026-01-01T12:00:00", "20260101T120000Z",
        "2026-01-01T12:00:00.Z", "2026-01-01T12:00:00.1234567Z", "2026-01-01T12:00:00,5Z",
        "2026-01-01T12:00:00+0200", "2026-01-01T12:00:00+02", "2026-01-01T12:00:00+24:00",
        "2026-01-01T12:00:00+02:60", "2026-01-01T12:00:00Z ", " 2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00Z\n",
        "2026-02-29T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T12:00:60Z",
        "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "-2026-01-01T12:00:00Z", "2026-W01-1T12:00:00Z", "٢٠٢٦-01-01T12:00:00Z", "2026-01-01T12:00:00  02:00",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        parse_timestamp(text)


@given(st.integers(YEAR_1_US, YEAR_9999_US))
def test_what_is_written_is_read_as_the_same_microsecond(timestamp_us: int) -> None:
    text = format_timestamp(timestamp_us)
    assert len(text) == 27
    assert parse_timestamp(text) == timestamp_us


@given(st.integers(YEAR_1_US, YEAR_9999_US), st.integers(YEAR_1_US, YEAR_9999_US))
def test_text_sorts_like_time(one_us: int, other_us: int) -> None:
    assert (format_timestamp(one_us) < format_timestamp(other_us)) == (one_us < other_us)


@given(st.text())
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_timestamp(text), int)


def test_only_the_plus_of_an_offset_comes_back() -> None:
    assert as_written("2026-01-01T12:00:00 02:00") == "2026-01-01T12:00:00+02:00"
    assert as_written("2026-01-01 12:00:00Z") == "2026-01-01 12:00:00Z"
