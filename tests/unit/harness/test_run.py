"""How a scenario's users behave, and when `read_all` and the checks are content; the server is in memory."""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from harness.adapters import Ack, Adapter, Answer, Asked, Page, Site
from harness.adapters.reading import Reader
from harness.adapters.wire import Wire
from harness.checkers import available, no_loss
from harness.client import Client
from harness.errors import NotServed
from harness.history import NS_PER_S, Bounds, Recorder
from harness.history.instants import instant
from harness.run import Inconclusive, PromiseBroken, Run
from harness.run.recorded import begun_and_answered, given_up
from harness.runner.ending import decide
from harness.semantics import Semantics
from harness.targets.profile import Profile
from harness.verdict import Verdict

QUICK = Bounds(poll_interval_s=0.05, delivered_within_s=0.1, recovers_within_s=0.1)
PROFILE = Profile("in memory", ("nothing",), bounds=QUICK)


READER = Reader(Wire())


class Server:
    """Mailboxes in memory. `on_send` answers a send after it was stored, `loses` keeps it from every poll."""

    def __init__(self) -> None:
        self.stored: list[dict[str, Any]] = []
        self.on_send: Callable[[dict[str, Any]], Answer] = _accepted
        self.loses: set[str] = set()
        self.endless = False
        self.ignores_limits = False
        self.tells_gaps = False
        self.polls: list[dict[str, str]] = []

    def send(self, sender: str, recipient: str, content: str, own_id: str | None) -> Answer:
        for message in self.stored:
            if own_id is not None and (message["from"], message["client_message_id"]) == (sender, own_id):
                return answer(200, message | {"queued": True, "replayed": True})
        seq = len(self.stored) + 1
        message = {
            "id": f"id-{seq}",
            "seq": seq,
            "from": sender,
            "to": recipient,
            "message": content,
            "timestamp": f"2026-01-01T12:00:00.{seq:06d}Z",
            "client_message_id": own_id,
        }
        self.stored.append(message)
        return self.on_send(message)

    def poll(self, reader: str, parameters: dict[str, str]) -> Answer:
        self.polls.append(parameters)
        since = parameters.get("since", "")
        after = instant(since) or ""
        waiting = [m for m in self.stored if m["to"] == reader and (instant(m["timestamp"]) or "") > after]
        limit = 50 if self.ignores_limits else int(parameters.get("limit", 50))
        page = [m for m in waiting if m["message"] not in self.loses][:limit]
        return answer(
            200,
            {
                "messages": page,
                "has_more": self.endless or (len(page) < len(waiting) and bool(page)),
                "next_since": page[-1]["timestamp"] if page else since or None,
                "gap": self.tells_gaps,
            },
        )


class InMemory(Adapter):
    """One user's connection to the server in memory, whose answers are read as any other's."""

    def __init__(self, server: Server, username: str) -> None:
        super().__init__(Site([]), username, "")
        self._server = server

    def register(self) -> None:
        """Every name exists."""

    def sign_in(self) -> None:
        """Everyone is in."""

    def send(self, recipient: str, content: str, client_message_id: str | None) -> Ack:
        return READER.ack(self._server.send(self.username, recipient, content, client_message_id))

    def poll(self, since: str | None, limit: int | None, wait_s: float) -> Page:
        raise NotImplementedError

    def poll_as(self, asked: Asked) -> Page:
        answer = self._server.poll(self.username, dict(asked.parameters))
        return READER.page(answer, mailbox=self.username, since=asked.since)


def user(server: Server, username: str) -> Client:
    return Client("", username, "", new_adapter=lambda site, name, password: InMemory(server, name))


def answer(status: int | None, body: dict[str, Any], error: str | None = None) -> Answer:
    now = time.monotonic_ns()
    return Answer(status, body, error, now, now)


def _accepted(message: dict[str, Any]) -> Answer:
    return answer(200, message | {"queued": True, "replayed": False})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def queues() -> SimpleNamespace:
    """Every queue is right, unless a test says what is wrong."""
    return SimpleNamespace(
        wrong=lambda mailbox, acked: "",
        look=lambda mailbox: {"key": mailbox, "type": "list", "length": 1, "ttl_ms": 1000},
        look_at_all_keys=lambda: {"count": 1, "without_ttl": 0, "named": []},
    )


@pytest.fixture
def profile() -> Profile:
    return PROFILE


@pytest.fixture
def run(queues: Any, profile: Profile) -> Any:
    recorder = Recorder(io.BytesIO(), row="ROW-01", title="a row", seed=1, bounds=profile.bounds)
    unused: Any = None
    run = Run(
        profile=profile,
        recorder=recorder,
        faults=unused,
        instances=unused,
        clusters=unused,
        queues=queues,
        vitals=unused,
        seed=1,
        minutes=0.001,
    )
    yield run
    run.close()


@pytest.fixture
def pair(server: Server) -> Any:
    return user(server, "alice"), user(server, "bob")


def test_a_client_that_retries_sends_the_same_message_until_the_answer_is_definite(
    run: Run, server: Server, pair: Any
) -> None:
    server.on_send = lambda message: answer(None, {}, "connection lost")
    said = run.messages.send(*pair, retrying=True)
    assert said.status == 200
    assert len(server.stored) == 1
    assert run.seen.replays() == 1
    sends = run.recorder.history().sends
    assert [send.client_message_id for send in sends] == [server.stored[0]["client_message_id"]] * 2


def test_a_client_that_does_not_retry_leaves_it_at_that(run: Run, server: Server, pair: Any) -> None:
    server.on_send = lambda message: answer(503, {"outcome": "unknown"})
    assert run.messages.send(*pair).status == 503
    assert len(run.recorder.history().sends) == 1


def test_copies_are_one_message_to_a_server_that_knows_the_id(run: Run, server: Server, pair: Any) -> None:
    first = run.messages.send_copies(*pair, copies=3)
    run.messages.send_copies(*pair, copies=1, of=first)
    assert len(run.recorder.history().sends) == 4
    assert len({message["client_message_id"] for message in server.stored}) == 1


def test_a_send_that_must_be_accepted_and_is_not_breaks_the_row(run: Run, server: Server, pair: Any) -> None:
    server.on_send = lambda message: answer(503, {"detail": "MongoDB is away"})
    with pytest.raises(PromiseBroken, match="answered 503 and not accepted: MongoDB is away"):
        run.messages.send_acked(*pair)


def test_everything_that_was_sent_is_read_by_its_consumer_and_by_a_new_one(
    run: Run, server: Server, pair: Any
) -> None:
    run.readers.start(pair[1], at_once=True, limit=2)
    for _ in range(5):
        run.messages.send_acked(*pair)
    run.mailboxes.read_all()
    run.check(no_loss)
    consumers = run.recorder.history().consumers()
    assert [sum(len(poll.messages) for poll in polls) for polls in consumers.values()] == [5, 5]
    assert {polled["limit"] for polled in server.polls[:3]} == {"2"}


@pytest.mark.parametrize("gap", [True, False])
def test_wherever_no_loss_is_judged_what_was_told_of_retention_is_as_well(
    run: Run, server: Server, pair: Any, gap: bool
) -> None:
    server.tells_gaps = gap
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.mailboxes.read_all()
    if gap:
        with pytest.raises(
            PromiseBroken, match=r"retention-told: The answer at .* nothing was missing there"
        ):
            run.check(no_loss)
    else:
        run.check(no_loss)
    judged = [event["promises"] for event in run.recorder.events if event["kind"] == "judging"]
    assert judged == [["no-loss", "retention-told"] if gap else ["no-loss"]]


def test_a_message_that_was_lost_a_moment_ago_is_a_loss_and_no_doubt(
    run: Run, server: Server, pair: Any
) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.messages.send_acked(*pair, "lost")
    server.loses = {"lost"}
    run.mailboxes.read_all()
    with pytest.raises(PromiseBroken):
        run.check(no_loss)
    assert run.checks.judgements[-1].verdict is Verdict.FAIL


def test_a_lost_message_is_waited_for_until_a_busy_machine_explains_it_no_more(
    run: Run, server: Server, pair: Any
) -> None:
    run.readers.start(pair[1], at_once=True)
    server.loses = {"lost"}
    run.messages.send_acked(*pair, "lost")
    run.recorder.record("pressure", since=run.recorder.events[0]["t"], waiting=0.97, late_s=0.0)
    run.mailboxes.read_all()
    with pytest.raises(PromiseBroken):
        run.check(no_loss)
    assert run.checks.judgements[-1].verdict is Verdict.FAIL


def test_a_message_that_every_cursor_has_passed_is_not_waited_for(
    run: Run, server: Server, pair: Any
) -> None:
    server.loses = {"lost"}
    run.messages.send_acked(*pair, "lost")
    run.messages.send_acked(*pair, "later")
    run.readers.start(pair[1], at_once=True)
    run.recorder.record("pressure", since=run.recorder.events[0]["t"], waiting=0.97, late_s=0.0)
    run.mailboxes.read_all()
    fresh = [poll for poll in run.recorder.history().polls if poll.consumer.endswith("#2")]
    assert len(fresh) <= 3, "it was asked for again and again"
    with pytest.raises(PromiseBroken, match="which passes it"):
        run.check(no_loss)


def test_a_client_that_comes_back_goes_on_from_its_cursor(run: Run, server: Server, pair: Any) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.wait.for_delivery()
    run.readers.pause(pair[1])
    polls_before = len(server.polls)
    run.messages.send_acked(*pair)
    run.readers.resume(pair[1])
    run.wait.for_delivery()
    assert instant(server.polls[polls_before]["since"]) == instant(server.stored[0]["timestamp"])
    assert len(run.recorder.history().consumers()) == 1


def test_a_held_poll_says_so_and_the_next_one_follows_at_once(run: Run, server: Server, pair: Any) -> None:
    run.readers.start(pair[1], wait_s=20)
    run.wait.for_traffic(sends=0, polls=3)
    assert server.polls[0]["wait"] == "20"
    assert {poll.wait_s for poll in run.recorder.history().polls} == {20}


def test_a_send_without_an_answer_hangs(run: Run, server: Server, pair: Any) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def slow(message: dict[str, Any]) -> Answer:
        asked.set()
        may_answer.wait(5)
        return _accepted(message)

    server.on_send = slow
    sender = threading.Thread(target=run.messages.send, args=pair)
    sender.start()
    assert asked.wait(5)
    assert run.seen.a_send_hangs(for_s=0.0)
    assert not run.seen.a_send_hangs(for_s=60.0)
    may_answer.set()
    sender.join(5)
    assert not run.seen.a_send_hangs(for_s=0.0)


@pytest.mark.parametrize("profile", [replace(PROFILE, bounds=replace(QUICK, recovers_within_s=30))])
def test_queues_are_waited_for_and_the_time_it_took_is_measured(run: Run, queues: Any, pair: Any) -> None:
    said = itertools.chain(["messages:bob lacks 1 of 1"], itertools.repeat(""))
    queues.wrong = lambda mailbox, acked: next(said)
    run.messages.send_acked(*pair)
    run.queues.wait_until_right()
    assert run.measured["queues_right_after_s"] >= 0


def test_a_queue_that_stays_wrong_breaks_the_promise(run: Run, queues: Any, pair: Any) -> None:
    queues.wrong = lambda mailbox, acked: f"messages:{mailbox} lacks {len(acked)} of {len(acked)}"
    run.messages.send_acked(*pair)
    with pytest.raises(PromiseBroken, match=r"s after the heal, messages:bob lacks 1 of 1"):
        run.queues.wait_until_right()
    with pytest.raises(PromiseBroken, match=r"in the end, messages:bob lacks 1 of 1"):
        run.queues.require_right()


@pytest.mark.parametrize(
    "profile",
    [
        replace(PROFILE, stores_as_the_contract=False),
        replace(PROFILE, semantics=Semantics(promises=("no-loss",))),
    ],
)
def test_nobody_looks_into_the_redis_of_a_server_that_stores_in_its_own_way_or_promises_no_bounds(
    run: Run, queues: Any
) -> None:
    queues.wrong = lambda mailbox, acked: "never asked"
    run.queues.wait_until_right()
    run.queues.require_right()
    assert "queues_right_after_s" in run.measured


def test_traffic_that_does_not_come_is_waited_for_in_vain_and_the_scenario_goes_on(run: Run) -> None:
    run.wait.for_traffic(sends=1, polls=1, within_s=0.01)
    (wait,) = run.recorder.history().gave_up
    assert (wait.of, wait.what) == ("traffic", "fewer than 1 sends and 1 polls were answered within 0.01 s")


def test_the_next_poll_of_one_user_is_waited_for(run: Run, server: Server, pair: Any) -> None:
    run.readers.start(*pair, at_once=True)
    before = time.monotonic_ns()
    run.wait.for_poll(pair[1])
    polls = [poll for poll in run.recorder.history().polls if poll.reader == pair[1].username]
    assert polls[-1].start_ns >= before
    assert given_up(run.recorder.history()) == []
    run.readers.pause(pair[1])
    run.wait.for_poll(pair[1], within_s=0.2)
    assert given_up(run.recorder.history()) == [f"no poll of {pair[1].username} was over within 0.2 s"]


def test_a_scenario_that_given_up_is_left_open(run: Run, pair: Any) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.wait.for_traffic(sends=1000, polls=1, within_s=0.01)
    run.mailboxes.read_all()
    run.check(no_loss)
    assert run.checks.open_question() == "fewer than 1000 sends and 1 polls were answered within 0.01 s"


def test_a_scenario_without_a_check_is_left_open(run: Run, pair: Any) -> None:
    assert run.checks.open_question() == "the scenario ended without a check"
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.mailboxes.read_all()
    run.check(no_loss)
    assert run.checks.open_question() == ""


def test_many_sends_are_given_up_when_none_is_answered(
    run: Run, server: Server, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.run.senders.SILENT_FOR_S", 0.0)
    server.on_send = lambda message: answer(None, {}, "timeout")
    run.senders.send_many([pair], count=10**6, every_s=0.0001)
    assert [wait.of for wait in run.recorder.history().gave_up] == ["sends"]


def test_many_sends_are_given_up_when_they_take_far_too_long(
    run: Run, server: Server, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.run.senders.LATE_S", -1.0)
    run.senders.send_many([pair], count=10**6, every_s=1e-6)
    assert [wait.of for wait in run.recorder.history().gave_up] == ["sends"]


def test_who_asks_one_thing_after_the_other_gives_up_when_nothing_is_answered(
    run: Run, server: Server, pair: Any
) -> None:
    def gave_up(message: dict[str, Any]) -> Answer:
        return Answer(None, {}, "timeout", start_ns=0, end_ns=5 * NS_PER_S)

    server.on_send = gave_up
    for _ in range(2):
        run.messages.send(*pair)
    with pytest.raises(NotServed, match="no request was answered within 1 s during 15 s"):
        run.messages.send(*pair)


def test_what_is_recorded_convicts_a_scenario_that_does_not_come_to_its_end(
    run: Run, server: Server, pair: Any
) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    server.on_send = lambda message: answer(500, {})
    run.messages.send(*pair)
    with pytest.raises(PromiseBroken, match=r"available: .* was answered 500") as raised:
        decide(run, in_time=True)
    assert run.checks.check_that_raised(raised.value) == 1
    assert run.recorder.history().drained_ns is not None


def test_what_is_recorded_does_not_acquit(run: Run, server: Server, pair: Any) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.mailboxes.read_all()
    run.check(no_loss)
    decide(run, in_time=False)
    decide(run, in_time=False)  # there is nothing left to judge
    assert run.checks.check_that_raised(None) == 0
    judged = [judgement.promise for judgement in run.checks.judgements]
    assert judged[0] == "no-loss"
    assert len(judged) == len(set(judged)) > 5


def test_a_mailbox_that_promises_more_for_ever_is_left_soon(run: Run, server: Server, pair: Any) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.wait.for_delivery()
    server.endless = True
    run.mailboxes.read_all()
    assert run.recorder.history().drained_ns is None
    with pytest.raises(PromiseBroken, match="that said `has_more` and did not move the cursor"):
        run.check(available)
    assert len(server.polls) < 60, "neither the consumer nor who reads to the end asks without a pause"


def test_only_polls_inside_a_whole_outage_count_as_served_without_the_store(run: Run, pair: Any) -> None:
    def phase(name: str) -> None:
        run.recorder.record("fault", name="mongodb refused", store="mongodb", phase=name)

    reader = run.readers.new_consumer(pair[1])
    reader.poll_once()
    phase("inject")
    phase("active")
    reader.poll_once()
    phase("heal")
    phase("healed")
    reader.poll_once()
    assert run.seen.polls_served_without("mongodb") == 1
    assert run.seen.polls_served_without("redis") == 0


def test_a_503_has_to_say_what_became_of_the_message(run: Run, server: Server, pair: Any) -> None:
    for outcome in ("not_stored", "unknown", None):
        server.on_send = lambda message, outcome=outcome: answer(503, {"outcome": outcome})  # type: ignore[misc]
        run.messages.send(*pair)
    assert run.seen.refusals_without_outcome() == 1


def test_a_mailbox_that_never_ends_leaves_the_other_promises_to_judge(
    run: Run, server: Server, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.run.mailboxes.DRAIN_WITHIN_S", 0.05)
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    run.wait.for_delivery()
    server.endless = True
    run.mailboxes.read_all()
    assert run.recorder.history().drained_ns is None
    (note,) = [event for event in run.recorder.events if event["kind"] == "note"]
    assert note["text"].startswith("the mailbox of bob was not read to its end")
    with pytest.raises(Inconclusive, match="not read to the end"):
        run.check(no_loss)


def test_traffic_that_was_under_way_before_does_not_count() -> None:
    begin_ns = time.monotonic_ns()
    events: list[dict[str, Any]] = [
        {"kind": "send", "op": 1, "t": begin_ns - 1},
        {"kind": "send", "op": 2, "t": begin_ns},
        {"kind": "send", "op": 3, "t": begin_ns + 1},
        {"kind": "sent", "op": 1, "t": begin_ns + 2},
        {"kind": "sent", "op": 2, "t": begin_ns + 3},
        {"kind": "poll", "op": 4, "start": begin_ns - 1, "t": begin_ns + 4},
        {"kind": "poll", "op": 5, "start": begin_ns, "t": begin_ns + 5},
    ]
    assert begun_and_answered(events, begin_ns) == (1, 1)


def test_a_legal_send_that_is_refused_breaks_the_row_whatever_else_was_found(
    run: Run, server: Server, pair: Any
) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    server.on_send = lambda message: answer(400, {"detail": "no digits, please"})
    run.messages.send(*pair)
    server.stored.pop()
    run.mailboxes.read_all()
    with pytest.raises(PromiseBroken, match=r"a legal send was answered 400 \(.*\): no digits, please"):
        run.check(no_loss)
    assert run.checks.judgements[-1].verdict is Verdict.PASS


def test_a_send_of_the_scenarios_own_may_be_refused(run: Run, server: Server, pair: Any) -> None:
    run.readers.start(pair[1], at_once=True)
    run.messages.send_acked(*pair)
    server.on_send = lambda message: answer(400, {"detail": "too long"})
    run.messages.send(*pair, "x" * 5000)
    server.stored.pop()
    run.mailboxes.read_all()
    run.check(no_loss)


def test_a_page_that_is_wrong_by_itself_breaks_the_row(run: Run, server: Server, pair: Any) -> None:
    server.ignores_limits = True
    for _ in range(2):
        run.messages.send_acked(*pair)
    run.readers.read_from(pair[1], None, limit=1)
    run.mailboxes.read_all()
    with pytest.raises(PromiseBroken, match=r"with limit=1.* brought 2 messages"):
        run.check(no_loss)


def test_what_a_checker_and_the_scenario_found_is_told_both(run: Run, server: Server, pair: Any) -> None:
    server.loses.add("never shown")
    server.ignores_limits = True
    for content in ("hi", "hi again", "never shown"):
        run.messages.send_acked(*pair, content)
    run.readers.read_from(pair[1], None, limit=1)
    run.mailboxes.read_all()
    with pytest.raises(PromiseBroken, match=r"^no-loss: .*; bob#1's poll with limit=1.* brought 2 messages"):
        run.check(no_loss)


def test_a_consumer_that_begins_at_a_cursor_spells_it_as_the_scenario_does(
    run: Run, server: Server, pair: Any
) -> None:
    given = "2026-01-01T12:00:00.5Z"
    for _ in range(8):
        run.readers.read_from(pair[1], given)
    assert {poll["since"] for poll in server.polls} == {given}
    for _ in range(8):
        run.readers.read_page(pair[1], given, limit=1)
    assert len({poll["since"] for poll in server.polls}) > 1


def test_a_plain_poll_is_recorded_and_asks_for_nothing_else(run: Run, server: Server, pair: Any) -> None:
    for _ in range(2):
        run.messages.send_acked(*pair, "hi")
    page = run.readers.read_plainly(pair[1])
    assert [message.content for message in page.messages] == ["hi", "hi"]
    assert page.next_since is not None
    run.readers.read_plainly(pair[1], page.next_since, limit=1)
    assert [dict(poll) for poll in server.polls] == [{}, {"since": page.next_since, "limit": "1"}]
    assert [len(poll.messages) for poll in run.recorder.history().polls] == [2, 0]
