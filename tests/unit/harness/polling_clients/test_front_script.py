"""The front's script and its misbehaviours, without a socket: a fake server answers."""

import asyncio
import json
import time
from email.utils import parsedate_to_datetime

import pytest

from harness.polling_clients.front import misbehaviours
from harness.polling_clients.front.answers import Page, Reply, sound_ids
from harness.polling_clients.front.exchange import Exchange
from harness.polling_clients.front.files import Files, type_of
from harness.polling_clients.front.script import Script

MESSAGE = {"id": "m1", "from": "ann", "to": "bob", "message": "hi", "timestamp": "2026-01-01T00:00:00Z"}
ANSWER = {
    "messages": [MESSAGE, MESSAGE | {"id": "m2"}],
    "count": 2,
    "has_more": False,
    "next_since": "2026-01-01T00:00:01Z",
    "gap": False,
    "poll_after_ms": 500,
}


def reply(**changes):
    return Reply(200, json.dumps(ANSWER | changes).encode())


def exchange(path="/api/users/messages/poll/bob", *, answer=None, last_page=None, **query):
    async def forward():
        return reply() if answer is None else answer

    return Exchange(
        client="tab-1",
        method="GET",
        path=path,
        query=query,
        forward=forward,
        last_page=last_page,
        released=asyncio.Event().wait,
    )


def answered(misbehaviour, asked=None):
    return asyncio.run(misbehaviour.act(asked or exchange()))


# The script


def test_a_rule_applies_as_often_as_it_says():
    script = Script()
    rule = script.next(misbehaviours.reset(), times=2)
    assert [bool(script.take(exchange())) for _ in range(3)] == [True, True, False]
    assert rule.used == 2


def test_a_rule_for_a_user_leaves_others_alone():
    script = Script()
    script.next(misbehaviours.reset(), user="ann")
    assert script.take(exchange()) is None
    assert script.take(exchange("/api/users/messages/poll/ann")) is not None


def test_a_rule_lasts_as_long_as_its_context_and_the_newest_wins():
    script = Script()
    with script.during(misbehaviours.html()):
        script.next(misbehaviours.reset())
        assert [script.take(exchange()).name for _ in range(3)] == ["reset", "HTML", "HTML"]
    assert script.take(exchange()) is None


# Misbehaviours


@pytest.mark.parametrize("code", [401, 429, 500, 503])
def test_a_status_is_a_problem_of_the_contract(code):
    sent = answered(misbehaviours.status(code))
    assert (sent.status, sent.headers["Content-Type"]) == (code, "application/problem+json")
    assert json.loads(sent.body)["status"] == code
    assert "Retry-After" not in sent.headers
    assert sent.retry_after_s is None


def test_retry_after_in_seconds():
    sent = answered(misbehaviours.status(503, retry_after=2))
    assert (sent.headers["Retry-After"], sent.retry_after_s) == ("2", 2)


def test_retry_after_as_a_date_is_never_before_the_recorded_time():
    sent = answered(misbehaviours.status(503, retry_after=2, as_date=True))
    left_s = parsedate_to_datetime(sent.headers["Retry-After"]).timestamp() - time.time()
    assert sent.retry_after_s == 2
    assert 1.9 <= left_s <= 3


def test_html_and_wrong_shapes_are_answered_200_and_are_not_pages():
    wrong = misbehaviours.wrong_shape()
    sent = [answered(misbehaviours.html()), *(answered(wrong) for _ in misbehaviours.WRONG_SHAPES)]
    assert {it.status for it in sent} == {200}
    assert len({it.body for it in sent}) == len(misbehaviours.WRONG_SHAPES) + 1
    assert not any(map(Page.of, sent))


def test_a_reset_has_no_answer():
    assert answered(misbehaviours.reset()) is None


def test_a_cut_body_is_half_of_the_answer():
    sent = answered(misbehaviours.cut_body())
    assert sent.body == reply().body
    assert sent.cut_after == len(sent.body) // 2


def test_a_missing_page_has_the_cursor_of_the_poll():
    sent = answered(misbehaviours.missing_page(), exchange(since="2026-01-01T00:00:00Z"))
    page = Page.of(sent).fields
    assert (page["messages"], page["count"], page["next_since"]) == ([], 0, "2026-01-01T00:00:00Z")


def test_a_doubled_page_is_the_last_one_with_messages_or_the_servers_if_there_was_none():
    before = reply(messages=[MESSAGE | {"id": "m0"}])
    assert answered(misbehaviours.doubled_page(), exchange(last_page=before)) == before
    assert answered(misbehaviours.doubled_page()) == reply()


def test_gap_and_interval_are_said_in_the_servers_answer():
    gap = Page.of(answered(misbehaviours.gap())).fields
    slower = Page.of(answered(misbehaviours.poll_after(1500))).fields
    assert (gap["gap"], gap["next_since"]) == (True, ANSWER["next_since"])
    assert (slower["poll_after_ms"], slower["messages"]) == (1500, ANSWER["messages"])


def test_bad_messages_are_added_and_the_good_ones_stay_in_order():
    sent = answered(misbehaviours.bad_message())
    assert Page.of(sent) is None
    assert sound_ids(sent) == ["m1", "m2"]
    assert len(json.loads(sent.body)["messages"]) == 2 + len(misbehaviours.JUNK)


@pytest.mark.parametrize(
    "misbehaviour", [misbehaviours.gap(), misbehaviours.bad_message(), misbehaviours.missing_page()]
)
def test_what_changes_a_page_leaves_an_error_of_the_server_as_it_is(misbehaviour):
    error = Reply(503, b"{}")
    assert answered(misbehaviour, exchange(answer=error)) == error


def test_what_is_held_back_is_asked_for_when_it_is_released():
    asked = exchange()
    hold = misbehaviours.Hold()

    async def story():
        task = asyncio.create_task(hold.misbehaviour.act(asked))
        await asyncio.sleep(0)
        assert asked.is_held_back
        assert not task.done()
        hold.release()
        return await task

    assert asyncio.run(story()) == reply()


# What is recorded


def test_the_event_of_a_good_poll_has_what_the_contract_says():
    asked = exchange(since="2026-01-01T00:00:00Z", limit="50", wait="25")
    event = asked.event(reply(has_more=True), script="", is_whole=True, aborted=False)
    assert event == {
        "client": "tab-1",
        "start": asked.start_ns,
        "method": "GET",
        "path": "/api/users/messages/poll/bob",
        "is_poll": True,
        "user": "bob",
        "since": "2026-01-01T00:00:00Z",
        "limit": 50,
        "wait_s": 25,
        "status": 200,
        "script": "",
        "messages": ["m1", "m2"],
        "next_since": "2026-01-01T00:00:01Z",
        "has_more": True,
        "gap": False,
        "retry_after_s": None,
        "poll_after_ms": 500,
        "is_good": True,
        "aborted": False,
    }


@pytest.mark.parametrize(
    ("sent", "is_whole", "is_good"),
    [
        (reply(), True, True),
        (reply(messages=[]), True, True),
        (reply(next_since=None), True, True),
        (reply(), False, False),
        (reply(next_since=7), True, False),
        (reply(has_more=None), True, False),
        (reply(messages=[None]), True, False),
        (reply(messages=None), True, False),
        (Reply(503, json.dumps(ANSWER).encode()), True, False),
        (Reply(200, b"[]"), True, False),
        (Reply(200, b"{"), True, False),
        (None, False, False),
    ],
)
def test_only_a_valid_answer_that_came_whole_is_good(sent, is_whole, is_good):
    event = exchange().event(sent, script="", is_whole=is_whole, aborted=False)
    assert event["is_good"] is is_good


@pytest.mark.parametrize("wait", ["", "soon", "nan", "inf", None])
def test_what_a_client_sends_instead_of_a_number_is_not_one(wait):
    asked = exchange(**({} if wait is None else {"wait": wait}))
    assert asked.wait_s == 0


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/api/users/messages/poll/b%C3%B6b%2F", "böb/"),
        ("/api/users/messages/poll/", None),
        ("/api/users/messages/poll/a/b", None),
        ("/api/users/messages", None),
    ],
)
def test_whose_mailbox_is_polled(path, user):
    asked = exchange(path)
    assert (asked.user, asked.is_poll) == (user, user is not None)


# Files


def test_the_longest_path_wins_and_nothing_outside_is_served(tmp_path):
    for name in ("page/index.html", "page/sub/own.js", "static/own.js", "secret.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    files = Files({"/client/": tmp_path / "page", "/client/sub": tmp_path / "static"})
    assert files.find("/client/index.html") == tmp_path / "page/index.html"
    assert files.find("/client/sub/own.js") == tmp_path / "static/own.js"
    for path in (
        "/client/../secret.txt",
        "/client/%2e%2e/secret.txt",
        "/client/",
        "/index.html",
        "/client/a",
    ):
        assert files.find(path) is None, path


def test_modules_have_the_type_that_browsers_run(tmp_path):
    assert type_of(tmp_path / "a.js") == type_of(tmp_path / "a.MJS") == "text/javascript; charset=utf-8"
    assert type_of(tmp_path / "a.unknown") == "application/octet-stream"
