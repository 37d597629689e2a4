"""The steady state: before the first fault some message arrives on time, and again after the last heal."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from harness.checkers import no_loss
from harness.errors import NotHere, NotServed
from harness.history import Bounds, Recorder
from harness.run import Run, steady
from harness.run.broken import PromiseBroken
from harness.run.steady import NOT_NORMAL, NotNormal, SteadyState, arrives
from harness.runner.ending import may_be_decided, require_normal_before_faults
from harness.runner.injecting import injects_faults
from harness.semantics import Semantics
from tests.unit.harness.checkers.histories import Story, message

INSTANT = Bounds(poll_interval_s=1e-9, delivered_within_s=1e-9, recovers_within_s=1e-9)


def normal() -> Story:
    return Story().send("a", 1.0).poll(2.0, message("a", 1.0))


def test_one_message_that_arrives_is_enough() -> None:
    lost_as_well = normal().send("b", 1.0).send("c", 1.5, status=503)
    assert arrives(lost_as_well.history(), 0)


@pytest.mark.parametrize(
    "story",
    [
        Story(),
        Story().poll(1.0),
        Story().send("a", 1.0).poll(2.0),
        Story().send("a", 1.0, status=503).poll(2.0, message("a", 1.0)),
        Story().send("a", 1.0, queued=False).poll(2.0, message("a", 1.0)),
        Story().send("a", 1.0).poll(2.0, message("a", 1.0), degraded=True),
        Story().send("a", 1.0).poll(2.0, message("a", 1.0), end=9.0),
        Story().poll(2.0, message("invented", 1.0)),
    ],
    ids=["nothing", "no-send", "lost", "not-acked", "not-queued", "degraded", "late", "invented"],
)
def test_what_is_not_acked_and_received_on_time_is_not_normal(story: Story) -> None:
    assert not arrives(story.history(), 0)


def test_after_the_heal_only_what_was_sent_since_counts() -> None:
    history = normal().history()
    assert arrives(history, history.sends[0].start_ns)
    assert not arrives(history, history.sends[0].start_ns + 1)


THE_REFERENCE = Semantics()


class Server:
    """What a steady state asks: new users, sends, polls; `delivers` and `lets_in` say how well it works."""

    def __init__(
        self,
        *,
        delivers: bool = True,
        error: Exception | None = None,
        is_started: bool = True,
        bounds: Bounds = INSTANT,
        queues_from: int = 1,
        unready: tuple[str, ...] = (),
        semantics: Semantics = THE_REFERENCE,
    ) -> None:
        self.recorder = Recorder(
            io.BytesIO(), row="ROW-01", title="a row", seed=1, bounds=bounds, semantics=semantics
        )
        self._queues_from = queues_from
        self._unready = [*unready]
        self.targets = ["a target"] if is_started else []
        self.running: list[Any] = []
        self.sent = self.polls = 0
        self._delivers, self._error = delivers, error

    @property
    def steady(self) -> SteadyState:
        any_: Any = self
        return SteadyState(self.recorder, any_, any_, any_, any_)

    def unready(self) -> str:
        """Return the answers one after the other; the last of them stays."""
        return (self._unready.pop(0) if len(self._unready) > 1 else self._unready[0]) if self._unready else ""

    def new_one(self) -> Any:
        if self._error:
            raise self._error
        return SimpleNamespace(username="alice")

    def new_consumer(self, user: Any) -> Any:
        return SimpleNamespace(poll_once=self._poll)

    def send_due(self, sender: Any, recipient: Any, manner: Any) -> None:
        self.sent += 1
        op = self.sent
        asked = {"op": op, "sender": "alice", "recipient": "alice", "content": manner.content}
        event = self.recorder.record("send", intended=0, client_message_id=None, **asked)
        self._now = event["t"]
        self.recorder.record(
            "sent",
            op=op,
            t=self._now,
            outcome="ok",
            status=200,
            id=f"id-{op}",
            queued=op >= self._queues_from,
        )

    def _poll(self) -> None:
        self.polls += 1
        fields = {"id": f"id-{self.sent}", "sender": "alice", "recipient": "alice", "content": "?", "seq": 1}
        one = fields | {"timestamp": None, "client_message_id": None}
        who = {"consumer": "alice#1", "reader": "alice", "since": None, "intended": 0, "start": self._now}
        brought = [one] if self._delivers else []
        self.recorder.record("poll", op=2, t=self._now, outcome="ok", status=200, messages=brought, **who)

    def fault(self) -> None:
        for phase in ("inject", "active", "heal", "healed"):
            self.recorder.record("fault", name="redis refused", store="redis", effects=[], phase=phase)


def test_without_traffic_a_new_user_sends_one_message_to_himself() -> None:
    server = Server()
    server.steady.require_before_the_first_fault()
    assert (server.sent, server.polls) == (1, 1)
    server.steady.require_before_the_first_fault()
    assert server.sent == 1, "what has arrived already is enough"


def test_the_traffic_that_is_there_is_asked_first() -> None:
    server = Server()
    server.running = [_Polling(server)]
    server.steady.require_before_the_first_fault()
    assert server.sent == 1, "by the traffic"


class _Polling:
    """A consumer to which a message comes as soon as someone looks whether it polls."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def is_polling(self) -> bool:
        user: Any = None
        self._server.send_due(user, user, SimpleNamespace(content="by the traffic"))
        self._server.new_consumer(user).poll_once()
        return True


def test_where_the_traffic_shows_nothing_a_new_user_does() -> None:
    server = Server()
    server.running = [SimpleNamespace(is_polling=True)]
    server.steady.require_before_the_first_fault()
    assert (server.sent, server.polls) == (1, 1)


def test_a_first_message_that_is_not_queued_is_followed_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "SEND_AGAIN_S", 0.0)
    server = Server(bounds=Bounds(), queues_from=3)
    server.steady.require_before_the_first_fault()
    assert server.sent == 3


def test_a_server_that_has_not_been_started_has_no_state() -> None:
    server = Server(is_started=False, delivers=False)
    server.steady.require_before_the_first_fault()
    assert not server.sent


@pytest.mark.parametrize("server", [Server(delivers=False), Server(error=NotServed("refused"))])
def test_a_server_that_delivers_nothing_is_not_normal(server: Server) -> None:
    with pytest.raises(NotNormal, match=NOT_NORMAL):
        server.steady.require_before_the_first_fault()


def test_without_a_further_user_nothing_can_be_shown() -> None:
    Server(error=NotHere("the list has no more users")).steady.require_before_the_first_fault()


def test_after_faults_a_message_must_arrive_that_was_sent_since() -> None:
    server = Server()
    server.steady.require_after_the_last_heal()
    assert not server.sent, "there were no faults"
    server.steady.require_before_the_first_fault()
    server.fault()
    server.steady.require_after_the_last_heal()
    assert server.sent == 2
    broken = Server(delivers=False)
    broken.fault()
    with pytest.raises(PromiseBroken, match="after 'redis refused' was healed, no message was"):
        broken.steady.require_after_the_last_heal()


def test_a_server_that_does_not_promise_to_recover_may_deliver_nothing_after_faults() -> None:
    server = Server(delivers=False, semantics=Semantics(promises=("no-loss",)))
    server.fault()
    server.steady.require_after_the_last_heal()
    assert not server.sent


def test_a_server_that_delivers_and_does_not_get_ready_is_not_normal() -> None:
    server = Server(unready=("GET /ready was answered 503",))
    with pytest.raises(NotNormal, match=f"{NOT_NORMAL}: GET /ready was answered 503"):
        server.steady.require_before_the_first_fault()
    server.fault()
    with pytest.raises(PromiseBroken, match="after 'redis refused' was healed, GET /ready was answered 503"):
        server.steady.require_after_the_last_heal()


def test_a_server_may_take_as_long_as_a_recovery_to_get_ready() -> None:
    server = Server(unready=("not yet", "not yet", ""), bounds=Bounds())
    server.steady.require_before_the_first_fault()


def breaks(run: Run) -> None:
    run.faults.redis_refused()


def helped(run: Run) -> None:
    breaks(run)


def in_an_inner_function(run: Run) -> None:
    def later() -> object:
        return run.faults

    later()


def plain(run: Run) -> None:
    run.check(no_loss)


def test_a_scenario_that_injects_faults_is_known_by_its_code() -> None:
    assert all(map(injects_faults, (breaks, helped, in_an_inner_function)))
    assert not any(map(injects_faults, (plain, None, print)))


@pytest.mark.parametrize("error", [NotServed("no one could sign in"), TimeoutError("hung")])
def test_an_error_before_the_first_fault_is_judged_only_if_something_had_worked(error: Exception) -> None:
    server = Server()
    run: Any = SimpleNamespace(recorder=server.recorder, steady=server.steady)
    require_normal_before_faults(plain, error, run)
    with pytest.raises(NotNormal, match=f"{NOT_NORMAL}: {error}") as raised:
        require_normal_before_faults(breaks, error, run)
    assert not may_be_decided(raised.value, run)
    server.fault()
    require_normal_before_faults(breaks, error, run)
    worked = Server()
    worked.steady.require_before_the_first_fault()
    require_normal_before_faults(
        breaks,
        error,
        SimpleNamespace(recorder=worked.recorder, steady=worked.steady),  # type: ignore[arg-type]
    )
