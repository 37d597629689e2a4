"""What `--host` may be, and which answer is one of a server that has users."""

from __future__ import annotations

import pytest

from harness.client import Answer, Body
from harness.errors import UsageError
from loadtests import hosts


def answered(status: int | None, error: str | None = None) -> Answer:
    return Answer(status, Body(), error, 0, 1)


@pytest.mark.parametrize(
    "host",
    [
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/",
        " http://127.0.0.1:8000// \n",
        "https://chat.example",
        "http://[::1]:8000",
        "HTTP://chat.example",
        "http://chat.example/api/v2/",
    ],
)
def test_a_url_is_taken_without_what_people_type_around_it(host: str) -> None:
    assert hosts.clean(host).lower() == host.strip().rstrip("/").lower()


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        (None, "--host is missing"),
        ("  ", "--host is missing"),
        ("127.0.0.1:8000", "is not a server's URL"),
        ("chat.example", "is not a server's URL"),
        ("ftp://chat.example", "is not a server's URL"),
        ("http://", "is not a server's URL"),
        ("http://[::1", "is not a server's URL"),
        ("http://chat.example:port", "is not a server's URL"),
        ("http://chat.example:70000", "is not a server's URL"),
        ("http://chat example", "is not a server's URL"),
        ("http://chat.example/größe", "must be scheme, host, port and path alone"),
        ("http://chat.example?x=1", "must be scheme, host, port and path alone"),
        ("http://chat.example/#top", "must be scheme, host, port and path alone"),
        ("http://me:secret@chat.example", "must be scheme, host, port and path alone"),
    ],
)
def test_what_is_not_a_servers_url_is_told_in_a_sentence(host: str | None, sentence: str) -> None:
    with pytest.raises(UsageError) as told:
        hosts.clean(host)
    assert sentence in str(told.value)
    assert "\n" not in str(told.value)


def test_a_name_in_any_script_is_written_as_the_wire_has_it() -> None:
    assert hosts.clean("http://größe.example:8000") == "http://xn--grsse-kua.example:8000"


@pytest.mark.parametrize("status", [200, 201, 400, 409, 422, 429, 500, 503])
def test_json_is_the_answer_of_a_server_be_it_a_refusal(status: int) -> None:
    hosts.check("http://chat.example", "POST /register", lambda: answered(status))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (answered(None, "connection refused"), "was not answered: connection refused"),
        (answered(200, "the body is not JSON"), "was answered 200, and the body is not JSON"),
        (answered(404), "was answered 404"),
        (answered(301), "was answered 301"),
    ],
)
def test_what_is_not_such_a_server_is_told_in_a_sentence(answer: Answer, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        hosts.check("http://chat.example", "POST /register", lambda: answer)


def test_a_server_that_answers_wrongly_now_and_then_is_one_to_be_loaded() -> None:
    answers = iter([answered(200, "the body is not JSON"), answered(None, "timeout"), answered(201)])
    hosts.check("http://chat.example", "POST /register", lambda: next(answers))
