from __future__ import annotations

import json

import pytest

from benchmarks.clients import body_of, named, request
from benchmarks.statistics import percentile
from harness.errors import InfrastructureError


def test_a_request_is_as_a_client_sends_it() -> None:
    head, _, body = request("POST", "/a", token="t", body={"content": "ü"}).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a HTTP/1.1"
    assert b"Authorization: Bearer t" in lines
    assert f"Content-Length: {len(body)}".encode() in lines
    assert json.loads(body) == {"content": "ü"}
    assert named(request("GET", "/a?b=c")) == "GET /a?b=c"


@pytest.mark.parametrize("length", [0, 1, 200_000])
def test_a_body_is_complete_with_its_last_byte(length: int) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: %d\r\nX: y\r\n\r\n" % length + b"a" * length
    assert body_of(answer) == b"a" * length
    for cut in {1, length // 2, length} - {0}:
        assert body_of(answer[:-cut]) is None


def test_an_answer_without_a_length_has_no_end() -> None:
    with pytest.raises(InfrastructureError, match="no Content-Length"):
        body_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(("share", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)])
def test_a_percentile_is_one_of_the_values(share: int, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_every_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 1) == percentile([7.0], 99) == 7.0
