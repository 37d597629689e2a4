"""The metrics count what happened, and their labels have few values."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families

from reference_server.adapters.circuit_breaker import CircuitBreaker
from reference_server.metrics import Metrics
from tests.unit.server.http_app import MESSAGES, Http
from tests.unit.server.world import World

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(http: Http, name: str, **labels: str) -> float:
    response = http.get("/metrics")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    assert response.headers["Cache-Control"] == "no-store"
    return parse(response.text).get((name, tuple(sorted(labels.items()))), 0.0)


def requests(http: Http, endpoint: str, status: int) -> float:
    return value(http, "chat_request_seconds_count", endpoint=endpoint, status=str(status))


def test_what_alerts_watch_is_there_before_anything_happens(http: Http) -> None:
    samples = parse(http.get("/metrics").text)
    for name, label, values in (
        ("chat_messages_sent_total", "queued", ("true", "false")),
        ("chat_messages_delivered_total", "source", ("redis", "mongodb")),
        ("chat_breakers_open", "store", ("redis", "mongodb")),
    ):
        for one in values:
            assert samples[name, ((label, one),)] == 0
    assert samples["chat_outbox_pending", ()] == 0


def test_requests_are_counted_by_endpoint_and_status(http: Http) -> None:
    for _ in range(3):
        http.send()
    http.send(to="nobody")
    http.poll()
    assert requests(http, "messages.send", 200) == 3
    assert requests(http, "messages.send", 404) == 1
    assert requests(http, "messages.poll", 200) == 1


def test_a_request_takes_its_time(http: Http) -> None:
    http.send()
    labels = {"endpoint": "messages.send", "status": "200"}
    assert 0 < value(http, "chat_request_seconds_sum", **labels) < 5
    assert value(http, "chat_request_seconds_bucket", le="5.0", **labels) == 1


def test_a_poll_that_may_wait_is_counted_apart(http: Http, world: World) -> None:
    world.notifier.is_stopping = True
    http.poll("?wait=5")
    assert requests(http, "messages.poll (waiting)", 200) == 1
    assert requests(http, "messages.poll", 200) == 0


def test_strangers_cannot_make_series(http: Http) -> None:
    def series() -> set[str]:
        return {line.split(" ")[0] for line in http.get("/metrics").text.splitlines()}

    http.get("/nowhere")
    http.poll(user="alice", mailbox="bob")
    before = series()
    for path in ("/nowhere/else", "/<script>", '/"}', f"{MESSAGES}/poll/bob%0a/x", "/a" * 500):
        assert http.get(path).status_code == 404
    http.poll(user="carol", mailbox="bob")
    assert series() - before <= {line for line in series() if 'endpoint="metrics.page"' in line}
    assert requests(http, "unknown", 404) == 6


def test_a_bug_is_counted_as_500(http: Http, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.queue, "read", bug)
    http.poll()
    assert requests(http, "messages.poll", 500) == 1


def test_sends_and_deliveries_are_counted_where_they_went(http: Http, world: World) -> None:
    http.send("one")
    world.queue.down = True
    http.send("two")
    assert http.poll().get_json()["count"] == 2
    assert value(http, "chat_messages_sent_total", queued="true") == 1
    assert value(http, "chat_messages_sent_total", queued="false") == 1
    assert value(http, "chat_messages_delivered_total", source="mongodb") == 2
    assert value(http, "chat_messages_delivered_total", source="redis") == 0


def test_a_retry_is_no_other_message(http: Http) -> None:
    for _ in range(3):
        assert http.send("once", client_message_id="1").status_code == 200
    assert value(http, "chat_messages_sent_total", queued="true") == 1


def test_a_failed_push_is_shown_until_it_is_done(http: Http, world: World) -> None:
    world.queue.down = True
    http.send()
    assert value(http, "chat_outbox_pending") == 1
    world.store.down = True
    assert value(http, "chat_outbox_pending") == 1, "without the outbox, what this worker knows"
    world.queue.down = world.store.down = False
    http.relay.step()
    assert value(http, "chat_outbox_pending") == 0


def test_calls_of_stores_are_timed_by_outcome(http: Http, world: World) -> None:
    http.send()
    http.send(to="nobody")
    world.store.down = True
    http.send()

    def calls(outcome: str) -> float:
        labels = {"store": "mongodb", "operation": "append", "outcome": outcome}
        return value(http, "chat_store_seconds_count", **labels)

    assert calls("ok") == 2, "an unknown user is an answer, not a failure"
    assert calls("failed") == 1


def test_a_breaker_is_open_or_closed() -> None:
    metrics = Metrics()

    def open_breakers() -> float:
        return parse(metrics.page(pending=0).decode())["chat_breakers_open", (("store", "redis"),)]

    breaker = CircuitBreaker("Redis", 2, metrics.breaker_moves("redis"))
    breaker.failed(ConnectionError("refused"))
    assert open_breakers() == 0
    breaker.failed(ConnectionError("refused"))
    breaker.failed(ConnectionError("refused"))
    assert open_breakers() == 1
    breaker.close()
    breaker.close()
    assert open_breakers() == 0


def test_the_visible_delay_is_that_of_the_oldest_message_after_a_cursor(http: Http, world: World) -> None:
    first = quote(http.send("one").get_json()["timestamp"])
    http.poll()
    assert value(http, "chat_visible_delay_seconds_count") == 0, "a poll without a cursor reads old ones"
    http.send("two")
    http.send("three")
    two_more = http.poll(f"?since={first}").get_json()
    assert two_more["count"] == 2
    assert value(http, "chat_visible_delay_seconds_count") == 1
    http.poll(f"?since={quote(two_more['next_since'])}")
    assert value(http, "chat_visible_delay_seconds_count") == 1, "an empty page has none"


def test_a_file_that_a_worker_has_only_just_created_is_left_out(tmp_path: Path) -> None:
    counted = MmapedDict(str(tmp_path / "counter_1.db"))
    counted.write_value(mmap_key("chat_sent", "chat_sent_total", [], [], "Sent"), 3.0, 0.0)
    counted.close()
    (tmp_path / "counter_2.db").touch()
    assert parse(Metrics(tmp_path).page(pending=0).decode())["chat_sent_total", ()] == 3
