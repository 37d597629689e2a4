"""The stores that a profile names: which services a run needs, and what chaos can do to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.chaos.catalog import CATALOG, of_upstreams
from harness.chaos.possible import chosen, possible
from harness.errors import NotHere, UsageError
from harness.faults import Fault
from harness.history import EFFECTS, Effect, named_effects
from harness.plan import PlanRow
from harness.plan.fitting import fitting
from harness.stack import Found, Remote
from harness.stack.stores import DEFAULT_STORES, Store, others, services_for
from harness.targets.profile import Profile, load_profile

MINE = Profile("mine", ("serve",))
POSTGRES = Store("127.0.0.1:5432")
RUNNING = replace(MINE, command=(), url="http://127.0.0.1:1", stores={})
COMMAND = 'name = "x"\ncommand = ["x"]\n'


def row(*only_where: str) -> PlanRow:
    return PlanRow("ROW-01", "section", "A row", "done", "expected", 1, only_where=only_where)


def loaded(folder: Path, text: str) -> Profile:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_profile(str(path))


def test_by_default_the_harness_starts_redis_and_mongodb(tmp_path: Path) -> None:
    profile = loaded(tmp_path, COMMAND)
    assert profile.stores == DEFAULT_STORES
    assert services_for(profile.stores) == {"redis", "mongod", "toxiproxy"}
    assert others(profile.stores) == []


def test_a_run_needs_only_the_services_of_the_stores_that_are_named(tmp_path: Path) -> None:
    profile = loaded(
        tmp_path, COMMAND + '[stores]\nredis = {port = 6379}\npostgres = {upstream = "db:5432"}\n'
    )
    assert services_for(profile.stores) == {"redis", "toxiproxy"}
    assert others(profile.stores) == ["postgres"]
    assert profile.stores["redis"].port == 6379
    assert profile.stores["postgres"].address == ("db", 5432)


def test_an_upstream_may_be_at_an_ipv6_address() -> None:
    assert Store("[::1]:5432").address == ("::1", 5432)


def test_with_a_url_alone_no_store_is_known(tmp_path: Path) -> None:
    text = 'name = "x"\nurl = "https://chat.example"\n'
    assert loaded(tmp_path, text).stores == {}
    assert set(loaded(tmp_path, text + "[stores]\nredis = {port = 6379}\n").stores) == {"redis"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"', "missing required field `command`, or `url` for a server that runs already"),
        (COMMAND + 'url = "http://a"', "it has both `command` and `url`"),
        ('name = "x"\nurl = "chat.example:80"', "expected http://HOST:PORT, got 'chat.example:80' at `url`"),
        ('name = "x"\nurl = "http://"', "expected http://HOST:PORT, got 'http://' at `url`"),
        ('name = "x"\nurl = "http://a?b=1"', "expected http://HOST:PORT"),
        ('name = "x"\nurl = "http://a:99999"', "Port out of range"),
        (COMMAND + "[stores]\npostgres = {}", "missing required field `upstream` at `stores.postgres`"),
        (
            COMMAND + '[stores]\npg = {upstream = "db"}',
            "expected HOST:PORT, got 'db' at `stores.pg.upstream`",
        ),
        (COMMAND + '[stores]\npg = {upstream = "db:0"}', "expected HOST:PORT, got 'db:0'"),
        (COMMAND + '[stores]\npg = {upstream = "db:70000"}', "expected HOST:PORT, got 'db:70000'"),
        (COMMAND + '[stores]\n"p g" = {upstream = "db:1"}', "the name 'p g' at `stores` must be"),
        (
            COMMAND + '[stores]\nredis = {upstream = "db:1"}',
            "redis has no `upstream` at `stores.redis`: set REDIS_URL",
        ),
        (COMMAND + '[stores]\nmongodb = {upstream = "db:1"}', "set MONGODB_URL instead"),
        (COMMAND + "[stores]\nmongodb = {sentinels = 3}", "only `stores.redis` can have `sentinels`"),
        (COMMAND + "[stores]\nredis = {sentinels = 6}", "expected `int` <= 5 at `stores.redis.sentinels`"),
        (
            COMMAND + "[stores]\nredis = {port = 65536}",
            "expected `int` <= 65535 at `stores.redis.port`, not 65536.",
        ),
        (
            COMMAND + "[stores]\nredis = {speed = 1}",
            "unknown field `speed` at `stores.redis`; legal are port, sentinels, upstream",
        ),
    ],
)
def test_a_profile_with_wrong_stores_is_one_clear_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match="is wrong: ") as caught:
        loaded(tmp_path, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("profile", "key", "reason"),
    [
        (replace(MINE, stores={}), "redis", "the target's profile names no redis in its stores"),
        (replace(MINE, stores={}), "mongodb", "the target's profile names no mongodb in its stores"),
        (
            RUNNING,
            "command",
            "the target's profile has a url, not a command, so it is not the harness's to break",
        ),
    ],
)
def test_a_row_that_needs_what_is_not_there_is_left_out_with_the_reason(
    profile: Profile, key: str, reason: str
) -> None:
    assert fitting([row(key)], MINE, is_reference=True) == ([row(key)], {})
    assert fitting([row(), row(key)], profile, is_reference=False) == ([row()], {reason: [row(key)]})


def test_without_redis_no_queue_is_looked_at() -> None:
    assert MINE.knows_queues
    assert not replace(MINE, stores={}).knows_queues


def found(*services: str) -> dict[str, Found]:
    return {name: Found(name, "1.0", "PATH", binary=Path("/bin/true")) for name in services}


def test_chaos_breaks_only_what_is_there() -> None:
    network = replace(MINE, stores={"postgres": POSTGRES})
    kinds = (*CATALOG, *of_upstreams(others(network.stores)))
    can, left_out = possible(chosen(kinds, ["redis", "server", "upstream*"]), network, found("toxiproxy"))
    assert {kind.store for kind in can} == {"server", "upstream postgres"}
    assert list(left_out) == ["the target's profile names no redis in its stores"]
    can, left_out = possible(chosen(kinds, ["server", "clock", "upstream*"]), RUNNING, found("toxiproxy"))
    assert {kind.store for kind in can} == {"upstream postgres"}
    assert [reason for reason in left_out if "a url, not a command" in reason] == list(left_out)


def test_an_upstream_can_refuse_be_silent_be_slow_and_flap() -> None:
    kinds = of_upstreams(["postgres", "kafka"])
    assert [kind.full_name for kind in kinds if "postgres" in kind.store] == [
        f"upstream postgres {kind}" for kind in ("refused", "black-holed", "slow", "flapping")
    ]
    assert not any(kind.is_harmless for kind in kinds)


def test_the_effects_of_a_fault_of_an_upstream_are_known_by_its_kind() -> None:
    assert Fault("upstream postgres", "black-holed").effects == {Effect.ALL}
    assert named_effects("upstream my_db flapping") == {Effect.SOME}
    assert named_effects("redis slow") == EFFECTS["redis slow"]
    assert named_effects("upstream postgres emptied") == frozenset()
    with pytest.raises(KeyError):
        assert Fault("upstream postgres", "emptied").effects


def test_a_server_that_runs_already_is_never_started_or_stopped() -> None:
    server = Remote("https://chat.example", ready_path="/", deadline_s=1.0)
    assert server.address == ("chat.example", 443)
    assert Remote("http://chat.example:81/", ready_path="/", deadline_s=1.0).address == ("chat.example", 81)
    assert server.stop()
    for forbidden in (server.launch, server.kill):
        with pytest.raises(NotHere, match=r"The server at https://chat\.example is not the harness's"):
            forbidden()
