"""What the adapters of the strangers make of answers: pages, cursors and gaps."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.adapters import Answer, NotStored, Page, Refused, Site, Unavailable
from harness.adapters.http import Request
from harness.adapters.results import Body
from strangers.asking import Asking
from strangers.centrifugo.adapter import Centrifugo
from strangers.kinto.adapter import Kinto
from strangers.matrix.adapter import Matrix, local_part, username_of
from strangers.nchan.adapter import Nchan
from strangers.sqs.adapter import Sqs


def answer(status: int | None = 200, body: Mapping[str, Any] | None = None, **more: Any) -> Answer:
    return Answer(status, Body(body or {}), more.pop("error", None), 0, 1, **more)


class Server:
    """Answers requests, one after the other, and keeps them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> None:
        self.asked: list[Request] = []
        self._answers = list(answers)
        monkeypatch.setattr("strangers.asking.Http", lambda urls, timeout_s: self)

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return self._answers.pop(0)


def contents(page: Page) -> list[str]:
    return [message.content for message in page.messages]


class Plain(Asking):
    """Has nothing but `ask`."""

    def register(self) -> None:
        """Nothing."""

    def sign_in(self) -> None:
        """Nothing."""

    send = poll = register  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        (answer(None, error="timeout"), TimeoutError),
        (answer(None, error="reset"), ConnectionError),
        (answer(404), Refused),
        (answer(429), Unavailable),
        (answer(500), Unavailable),
    ],
)
def test_a_request_without_success_raises(
    monkeypatch: pytest.MonkeyPatch, said: Answer, raised: type[Exception]
) -> None:
    Server(monkeypatch, said)
    with pytest.raises(raised):
        Plain(Site(["http://x"]), "ann", "").ask(Request("GET", "/"))


def publication(offset: int) -> dict[str, Any]:
    said = {"from": "bob", "to": "ann", "content": f"m{offset}", "sender_id": None}
    return {"offset": offset, "data": said}


def history(top: int, *offsets: int, epoch: str = "e") -> Answer:
    found = {"publications": [publication(offset) for offset in offsets], "offset": top, "epoch": epoch}
    return answer(body={"result": found})


UNRECOVERABLE = answer(body={"error": {"code": 112, "message": "unrecoverable position"}})


@pytest.mark.parametrize(
    ("since", "answers", "offsets", "next_since", "has_more", "gap"),
    [
        (None, [history(0)], [], "e:0", False, False),
        (None, [history(3, 1, 2)], [1, 2], "e:2", True, False),
        (None, [history(9, 8, 9)], [8, 9], "e:9", False, True),
        ("e:2", [history(4, 3, 4)], [3, 4], "e:4", False, False),
        ("e:2", [history(2)], [], "e:2", False, False),
        ("e:2", [history(9, 8, 9)], [8, 9], "e:9", False, True),
        ("e:2", [history(9)], [], "e:9", False, True),
        ("e:9", [history(3), history(3, 1, 2, 3)], [1, 2, 3], "e:3", False, True),
        ("old:2", [UNRECOVERABLE, history(1, 1)], [1], "e:1", False, True),
    ],
)
def test_pages_of_a_history_with_offsets(
    monkeypatch: pytest.MonkeyPatch,
    since: str | None,
    answers: list[Answer],
    offsets: list[int],
    next_since: str,
    has_more: bool,
    gap: bool,
) -> None:
    Server(monkeypatch, *answers)
    page = Centrifugo(Site(["http://x"]), "ann", "").poll(since, None, 0)
    assert contents(page) == [f"m{offset}" for offset in offsets]
    assert (page.next_since, page.has_more, page.gap) == (next_since, has_more, gap)


@pytest.mark.parametrize(("code", "raised"), [(100, Unavailable), (107, Refused)])
def test_an_error_of_centrifugo_in_an_answer_that_is_ok(
    monkeypatch: pytest.MonkeyPatch, code: int, raised: type[Exception]
) -> None:
    Server(monkeypatch, answer(body={"error": {"code": code, "message": "no"}}))
    with pytest.raises(raised):
        Centrifugo(Site(["http://x"]), "ann", "").send("bob", "hi", "1")


def nchan_message(number: int) -> Answer:
    said = f'{{"from": "bob", "to": "ann", "content": "m{number}", "sender_id": null}}'
    headers = {"Last-Modified": "Thu, 26 Nov 2026 00:00:00 GMT", "ETag": str(number)}
    return answer(text=said, headers=headers)


def test_nchan_answers_one_message_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, nchan_message(0), nchan_message(1), answer(304))
    page = Nchan(Site(["http://x"]), "ann", "").poll(None, None, 0)
    assert contents(page) == ["m0", "m1"]
    assert page.next_since == "Thu, 26 Nov 2026 00:00:00 GMT|1"
    assert [request.headers.get("If-None-Match") for request in server.asked] == [None, "0", "1"]


def test_what_came_is_kept_where_the_rest_of_a_page_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    Server(monkeypatch, nchan_message(0), answer(503))
    page = Nchan(Site(["http://x"]), "ann", "").poll(None, None, 0)
    assert (contents(page), page.has_more) == (["m0"], True)


def received(number: int) -> dict[str, Any]:
    body = f'{{"from": "bob", "to": "ann", "content": "m{number}", "sender_id": null}}'
    return {"MessageId": str(number), "ReceiptHandle": f"r{number}", "Body": body}


def test_what_was_read_from_a_queue_is_deleted_at_the_next_poll_if_it_could_not_be_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some, none = answer(body={"Messages": [received(0)]}), answer(body={})
    server = Server(monkeypatch, some, answer(503), none, answer(), none)
    queue = Sqs(Site(["http://x"], {"fifo": True}), "ann", "")
    assert contents(queue.poll(None, None, 0)) == ["m0"]
    assert contents(queue.poll(None, None, 0)) == []
    asked = [request.headers["X-Amz-Target"].partition(".")[2] for request in server.asked]
    read, delete = "ReceiveMessage", "DeleteMessageBatch"
    assert asked == [read, delete, read, delete, read]


def event(number: int) -> dict[str, Any]:
    content = {"body": f"m{number}", "sender_id": None}
    return {"event_id": f"${number}", "sender": "@ubob:stranger.test", "content": content}


def timeline(next_batch: str, *numbers: int, limited: bool = False) -> Answer:
    said = {"events": [event(number) for number in numbers], "limited": limited, "prev_batch": "p"}
    return answer(body={"next_batch": next_batch, "rooms": {"join": {"!r": {"timeline": said}}}})


def matrix() -> Matrix:
    adapter = Matrix(Site(["http://x"], {"server_name": "stranger.test"}), "ann", "")
    adapter._rooms["ann"] = "!r"
    return adapter


def test_a_page_of_a_sync_can_be_smaller_than_the_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, timeline("s2", 1, 2, 3), timeline("s3", 1, 2, 3), timeline("s3"))
    first = matrix().poll("s1|0|0", 2, 0.2)
    assert (contents(first), first.next_since, first.has_more) == (["m1", "m2"], "s1|2|200", True)
    second = matrix().poll(first.next_since, 2, 0)
    assert (contents(second), second.next_since, second.has_more) == (["m3"], "s3|0|0", True)
    third = matrix().poll(second.next_since, 2, 0)
    assert (contents(third), third.next_since, third.has_more) == ([], "s3|0|0", False)
    assert [request.parameters["since"] for request in server.asked] == ["s1", "s1", "s3"]
    assert [request.parameters["timeout"] for request in server.asked] == ["200", "200", "0"]


def test_a_limited_timeline_is_completed_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = answer(body={"chunk": [event(3), event(2)], "end": "q"})
    oldest = answer(body={"chunk": [event(1)]})
    server = Server(monkeypatch, timeline("s2", 4, 5, limited=True), newer, oldest)
    assert contents(matrix().poll("s1|0|0", None, 0)) == ["m1", "m2", "m3", "m4", "m5"]
    assert [request.parameters.get("from") for request in server.asked] == [None, "p", "q"]
    assert {request.parameters.get("to") for request in server.asked[1:]} == {"s1"}


@pytest.mark.parametrize("name", ["ann", "Ann_B", "a.b-c", "李=x", "a%b/c", "0123", "_x"])
def test_each_name_is_a_part_of_a_matrix_id_and_back(name: str) -> None:
    part = local_part(name)
    assert part[0].isalpha()
    assert set(part) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-=/+")
    assert username_of(f"@{part}:stranger.test") == name


def record(number: int) -> dict[str, Any]:
    said = {"from": "bob", "to": "ann", "content": f"m{number}", "sender_id": None}
    return {**said, "id": str(number), "last_modified": number}


def test_a_page_of_records_ends_at_its_last_one_or_at_the_state_of_the_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = answer(body={"data": [record(1), record(2)]}, headers={"ETag": '"9"', "Next-Page": "more"})
    server = Server(monkeypatch, full, answer(body={"data": []}, headers={"ETag": '"9"'}))
    adapter = Kinto(Site(["http://x"]), "ann", "")
    first = adapter.poll(None, 2, 0)
    assert (contents(first), first.next_since, first.has_more) == (["m1", "m2"], "2", True)
    second = adapter.poll(first.next_since, 2, 0)
    assert (contents(second), second.next_since, second.has_more) == ([], "9", False)
    assert [request.parameters.get("_since") for request in server.asked] == [None, "2"]


@pytest.mark.parametrize(("status", "replayed"), [(201, False), (200, True)])
def test_creating_a_record_that_exists_is_a_replay(
    monkeypatch: pytest.MonkeyPatch, status: int, replayed: bool
) -> None:
    Server(monkeypatch, answer(status, {"data": record(3)}))
    ack = Kinto(Site(["http://x"]), "ann", "").send("bob", "hi", "1")
    assert (ack.id, ack.seq, ack.replayed) == ("3", 3, replayed)


@pytest.mark.parametrize(("status", "raised"), [(409, NotStored), (403, Refused)])
def test_what_two_writers_at_once_are_answered_is_to_be_tried_again(
    monkeypatch: pytest.MonkeyPatch, status: int, raised: type[Exception]
) -> None:
    Server(monkeypatch, answer(status))
    with pytest.raises(raised):
        Kinto(Site(["http://x"]), "ann", "").send("bob", "hi", "1")
