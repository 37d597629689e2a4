"""Operations: what a server says about itself is true."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.checkers import DELIVERY, available, cursor, no_loss, no_phantom, on_time, refuses
from harness.client import Answer, Client
from harness.history import NS_PER_S
from harness.run import LOOK_AGAIN_S, Run, certain
from harness.run.broken import CertainlyBroken, Deadline
from harness.run.hostile.attempts import Intruder
from harness.run.recorded import healed_ns

HELD_POLLS = 4
HELD_S = 4
LOOKS = 6
"""Each goes over a new connection, so that they hardly ever all reach the same worker."""
Samples = dict[str, float]
CALLS = {
    ("post", "/api/users/register"),
    ("post", "/api/users/login"),
    ("post", "/api/users/messages"),
    ("get", "/api/users/messages/poll/{}"),
    ("get", "/api/users/messages/conversation/{}"),
}


@pytest.mark.plan("OPS-01")
def test_readiness_tells_the_truth(run: Run) -> None:
    """Every worker reports the state of the stores as soon as the server must know it."""
    run.traffic.start()
    run.wait.for_traffic(sends=8, polls=2)
    operator = run.users.register()
    _wait_until_ready_says(run, operator, "ok", 200)
    with run.faults.redis_refused():
        _wait_until_ready_says(run, operator, "degraded", 200)
        run.wait.for_traffic(sends=8, polls=2)
        with run.faults.mongodb_refused():
            _wait_until_ready_says(run, operator, "down", 503)
            run.wait.for_traffic(sends=8, polls=2)
    _wait_until_ready_says(run, operator, "ok", 200)
    with run.faults.mongodb_refused():
        _wait_until_ready_says(run, operator, "degraded", 200)
    _wait_until_ready_says(run, operator, "ok", 200)
    run.mailboxes.read_all()
    run.check(no_loss, cursor, no_phantom)


@pytest.mark.plan("OPS-02")
def test_metrics_count_what_was_done(run: Run) -> None:
    """Names are up to the server: some counter must have grown by the number of messages sent."""
    alice, bob, operator = run.users.new(3)
    run.readers.start(bob)
    before = _samples(operator)
    sent = run.random.randint(20, 40)
    for _ in range(sent):
        run.messages.send_acked(alice, bob)
        alice.close()  # the next goes over another connection, perhaps to another worker
    after = _samples(operator)
    counting = {name for name, value in after.items() if value - before.get(name, 0.0) == sent}
    certain(counting, f"{sent} messages were sent, and no counter grew by {sent}")
    steady = counting  # some may have grown by as many as it happened, and go on growing
    for _ in range(LOOKS):
        seen = _samples(operator)
        steady = {name for name in steady if seen.get(name) == after[name]}
    names = ", ".join(sorted(counting))
    certain(steady, f"{sent} messages were sent, and the workers report different values of {names}")
    run.mailboxes.read_all()
    run.check(no_loss, cursor, no_phantom, available)


@pytest.mark.plan("OPS-03")
def test_the_api_is_described(run: Run) -> None:
    """The description has every call of the contract, and calls that need a token by it do."""
    user, stranger = run.users.new_one(), run.users.register()
    answer = user.call("GET", "/openapi.json")
    assert answer.status == 200, f"/openapi.json was answered {answer.status or answer.error}"
    document = answer.body
    paths: Any = document.get("paths")
    is_one = re.fullmatch(r"3\.[01]\.\d+", str(document.get("openapi"))) and isinstance(paths, dict)
    certain(is_one, "/openapi.json is not an OpenAPI 3 document")
    calls = {
        (method, path): call
        for path, methods in paths.items()
        if isinstance(methods, dict)
        for method, call in methods.items()
        if isinstance(call, dict)
    }
    missing = CALLS - {(method, re.sub(r"{\w+}", "{}", path)) for method, path in calls}
    certain(not missing, f"the API description lacks {sorted(missing)}")
    secured = [key for key, call in calls.items() if call.get("security", document.get("security"))]
    certain(
        {path for _, path in secured} >= {run.wire.send.path}, "by the API description a send needs no token"
    )
    intruder = Intruder(stranger, run.recorder)
    message = {run.wire.send.recipient: user.username, run.wire.send.content: "hi"}
    for method, path in secured:
        path = re.sub(r"{\w+}", user.username, path)
        body = json.dumps(message).encode() if method == "post" else None
        what, refused = f"{method} {path} without a token", run.statuses.not_signed_in
        intruder.calls(what, method.upper(), path, body=body, expected=refused)
    run.check(refuses)


@pytest.mark.plan("OPS-04")
def test_a_hang_up_costs_nothing(run: Run) -> None:
    """As after a closed terminal or a reload: requests under way and held polls are answered."""
    run.traffic.start(every_s=0.1)
    for _ in range(HELD_POLLS):
        run.readers.start(run.users.new_one(), wait_s=HELD_S)
    run.wait.for_traffic(sends=30, polls=2 * HELD_POLLS)
    with run.faults.hang_up():
        run.wait.for_traffic(sends=30, polls=HELD_POLLS)
    run.wait.for_traffic(sends=30, polls=HELD_POLLS)
    run.mailboxes.read_all()
    run.check(*DELIVERY, on_time, available)


def _wait_until_ready_says(run: Run, operator: Client, word: str, status: int) -> None:
    """Ask until all answers agree, and after a heal for as long as any worker may need to recover.

    Otherwise the next fault could begin before a worker that was not asked has recovered. Raise
    CertainlyBroken when an answer still differs after the time in which the server must know.
    """
    known_within_s = run.bounds.recovers_within_s
    due = Deadline(run.recorder, time.monotonic_ns(), known_within_s)
    recovered_ns = healed_ns(run.recorder.history()) + known_within_s * NS_PER_S
    agreeing = 0
    while agreeing < LOOKS or time.monotonic_ns() < recovered_ns:
        looked_at_ns = time.monotonic_ns()
        operator.close()
        answer = operator.call("GET", "/health/ready")
        live = operator.call("GET", "/health/live")
        what = f"/health/live was answered {live.status or live.error}: a supervisor would kill the server"
        assert live.status == 200, what
        agreeing = agreeing + 1 if _says(answer, word, status) else 0
        if not agreeing and due.has_passed(looked_at_ns):
            said = answer.body.get("status", answer.error)
            raise CertainlyBroken(f"/health/ready says {answer.status} {said!r}, not {status} {word!r}")
        time.sleep(LOOK_AGAIN_S)


def _says(answer: Answer, word: str, status: int) -> bool:
    return (answer.status, answer.body.get("status")) == (status, word)


def _samples(operator: Client) -> Samples:
    """Return the values of counters and histograms by name and labels, over a new connection."""
    operator.close()
    answer = operator.call("GET", "/metrics")
    assert answer.status == 200, f"/metrics was answered {answer.status or answer.error}"
    try:
        families = list(text_string_to_metric_families(answer.text))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CertainlyBroken(f"/metrics is not in Prometheus' text format: {error}") from error
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in families
        if family.type in ("counter", "histogram")
        for sample in family.samples
    }
