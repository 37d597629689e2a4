"""The scenarios: a few clients, and what happens to the stores and workers meanwhile, at any moment."""

from __future__ import annotations

from collections.abc import Callable

from reference_server.adapters.heads import STEADY
from tests.simulation.clients import reader, retrier, sender
from tests.simulation.network import ANSWER_LOST, LATE, REFUSED
from tests.simulation.searching import Bounds, Scenario
from tests.simulation.world import USERS, Setting, World

LONG_S = 0.45
HOUR_US = 3_600_000_000
ANY_FAULT = (REFUSED, ANSWER_LOST, LATE)
NONE = Bounds(interruptions=0, faults=0)
ONE_FAULT = Bounds(interruptions=0, faults=1)
SCENARIOS: dict[str, Scenario] = {}


def scenario(
    *,
    before: Callable[[World], object] = lambda world: None,
    bounds: Bounds = NONE,
    is_large: bool = False,
    **setting: object,
) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register the decorated function; its docstring says what happens."""

    def add(begin: Callable[[World], None]) -> Callable[[World], None]:
        name = begin.__name__.replace("_", "-")
        sentence = " ".join((begin.__doc__ or "").split())
        SCENARIOS[name] = Scenario(
            name,
            sentence,
            Setting(**setting),  # type: ignore[arg-type]  # its fields, by name
            begin,
            before,
            bounds,
            is_large,
        )
        return begin

    return add


def happening(world: World, name: str, *what: Callable[[], object]) -> None:
    """Add things that happen one after the other, each at any moment."""

    def run() -> None:
        world.hub.note(name)
        what[0]()
        if what[1:]:
            happening(world, name, *what[1:])

    world.hub.spawn("fault", run)


def two_were_sent(world: World) -> None:
    """Send two messages long before; the replica of Redis, and its snapshot, have the first."""
    sender(world, "dave", "d1")
    world.run()
    world.redis.replicate()
    world.redis.save()
    sender(world, "dave", "d2")
    world.run()
    world.pass_time(LONG_S)  # no worker remembers the push any more


@scenario()
def two_workers(world: World) -> None:
    """Two senders at two workers, and a reader that polls both."""
    sender(world, "alice", "a1", at=0)
    sender(world, "carol", "c1", at=1)
    reader(world, "bob", 0, 1)


@scenario(workers=1)
def one_worker(world: World) -> None:
    """Three senders at one worker, which takes them in turns, and a reader."""
    sender(world, "alice", "a1")
    sender(world, "carol", "c1")
    sender(world, "erin", "e1")
    reader(world, "bob", 0)


def heads_are_steady(world: World) -> None:
    """Let a worker be sure of three heads, and another worker take a place in one of the mailboxes."""
    for to in USERS:
        sender(world, f"dave to {to}", *(f"{to}{number}" for number in range(STEADY)), to=to)
        world.run()
    sender(world, "fay", "f1", at=1, to="carol")
    world.run()
    world.pass_time(LONG_S)


@scenario(before=heads_are_steady, mongo_faults=ANY_FAULT, window=2 * STEADY)
def several_mailboxes(world: World) -> None:
    """Appends to several mailboxes share a command, and one of them is believed to have another head."""
    for to in USERS:
        sender(world, f"erin to {to}", f"e to {to}", at=0, to=to)


@scenario(workers=1)
def one_worker_gets_a_retry(world: World) -> None:
    """A client sends again, at the only worker, before it has an answer, beside another sender."""
    sender(world, "alice", "a1")
    retrier(world, "alice again", "a1", at=0)
    sender(world, "carol", "c1")


@scenario()
def a_retry_beside_its_first_attempt(world: World) -> None:
    """A client sends again, at another worker, before it has an answer; a reader polls."""
    sender(world, "alice", "a1", at=0)
    retrier(world, "alice again", "a1", at=1)
    reader(world, "bob", 1)


@scenario(window=2)
def more_than_the_window(world: World) -> None:
    """Three messages to a queue of two; a reader of one at a time, and one that begins at the window."""
    sender(world, "alice", "a1", "a2", "a3", at=0)
    reader(world, "bob", 0, 1, limit=1, since_us=0)
    reader(world, "bob's other device", 1)


@scenario()
def the_clock_steps_back(world: World) -> None:
    """The clock steps back by an hour between the messages of a sender; a reader polls."""
    sender(world, "alice", "a1", "a2", at=0)
    reader(world, "bob", 0)
    happening(world, "the clock steps back", lambda: world.step_back(HOUR_US))


@scenario(redis_faults=ANY_FAULT, bounds=ONE_FAULT)
def redis_fails(world: World) -> None:
    """A call to Redis is refused, loses its answer, or takes effect late."""
    sender(world, "alice", "a1", "a2", at=0)
    reader(world, "bob", 0, 1)


@scenario()
def redis_is_away(world: World) -> None:
    """Redis cannot be reached for a while, in which both breakers open."""
    sender(world, "alice", "a1", "a2", "a3", at=0)
    reader(world, "bob", 0, 1)
    happening(world, "Redis goes, or comes back", world.to_redis.switch, world.to_redis.switch)


def redis_has_gone(world: World) -> None:
    """Let each mailbox have a message, and Redis be away until its breaker opens."""
    for to in USERS:
        sender(world, f"dave to {to}", f"to {to}", to=to)
    world.run()
    world.to_redis.switch()
    for to in USERS:
        reader(world, f"{to}'s other device", 0, mailbox=to)
    world.run()
    world.pass_time(LONG_S)


@scenario(before=redis_has_gone, workers=1, mongo_faults=(REFUSED,), bounds=ONE_FAULT)
def several_polls_without_redis(world: World) -> None:
    """Polls of several mailboxes share a query to MongoDB, which may fail, while a message comes."""
    for to in USERS:
        reader(world, to, 0, 0, since_us=0, mailbox=to)
    sender(world, "alice", "a1", at=0)


@scenario(mongo_faults=ANY_FAULT, bounds=ONE_FAULT)
def mongodb_fails(world: World) -> None:
    """A call to MongoDB is refused, loses its answer, or takes effect late."""
    sender(world, "alice", "a1", "a2", at=0)
    reader(world, "bob", 0, 1)


@scenario(mongo_faults=ANY_FAULT, bounds=ONE_FAULT)
def an_unknown_send_is_given_up(world: World) -> None:
    """A call to MongoDB fails, and the sender does not try again."""
    sender(world, "alice", "a1", attempts=1)
    reader(world, "bob", 1)


@scenario()
def a_worker_is_killed(world: World) -> None:
    """A worker is killed and replaced while it serves a sender; a reader polls the other one."""
    sender(world, "alice", "a1", at=0)
    reader(world, "bob", 1)
    happening(world, "a worker is killed", lambda: world.crash(0))


@scenario(before=two_were_sent)
def redis_is_flushed(world: World) -> None:
    """Redis loses its data, and nothing else changes; one reads."""
    reader(world, "bob", 0, 1)
    happening(world, "Redis is flushed", world.redis.flush)


@scenario(before=two_were_sent)
def redis_restarts_empty(world: World) -> None:
    """Redis restarts without data while one sends and one reads."""
    sender(world, "alice", "a1", at=0)
    reader(world, "bob", 0, 1)
    happening(world, "Redis restarts empty", world.redis.restart)


@scenario(before=two_were_sent)
def redis_is_restored(world: World) -> None:
    """Redis restarts with a snapshot that lacks a message."""
    sender(world, "alice", "a1", at=0)
    reader(world, "bob", 0, 1)
    happening(world, "Redis restarts with a snapshot", world.redis.restore)


@scenario(before=two_were_sent)
def redis_fails_over_and_back(world: World) -> None:
    """A replica that is behind becomes primary; then the first one is used again, as it was."""
    sender(world, "alice", "a1", at=0)
    reader(world, "bob", 1)
    happening(world, "the other Redis is in use", world.redis.switch, world.redis.switch)


@scenario(before=two_were_sent)
def two_primaries(world: World) -> None:
    """A replica that is behind is promoted, and the old primary goes on: workers leave it one by one."""
    sender(world, "alice", "a1", at=0)
    reader(world, "bob", 1, 0)
    happening(
        world, "a worker uses the new Redis", lambda: (world.promote(), world.move(1)), lambda: world.move(0)
    )


@scenario(mongodb_lags=True)
def mongodb_rolls_back(world: World) -> None:
    """MongoDB fails over, and rolls back what its majority does not have."""
    sender(world, "alice", "a1", at=0)
    reader(world, "bob", 1)
    happening(world, "MongoDB fails over", world.mongo.fail_over)


@scenario(notices_get_lost=True, bounds=ONE_FAULT)
def notices_get_lost(world: World) -> None:
    """Notices are late or lost; a reader polls again and again."""
    sender(world, "alice", "a1", "a2", at=0)
    reader(world, "bob", 1, 1, 1)


@scenario()
def a_held_poll(world: World) -> None:
    """A poll is held for three seconds while a message comes."""
    sender(world, "alice", "a1", at=0)
    reader(world, "bob", 1, wait_s=3.0)


@scenario(workers=1)
def a_poll_held_in_vain(world: World) -> None:
    """A poll is held for three seconds while a message comes to another mailbox, at the only worker."""
    poll_in_vain(world)


@scenario(is_large=True)
def a_poll_held_in_vain_at_one_of_two_workers(world: World) -> None:
    """A poll is held for three seconds while a message comes to another mailbox, and one for it as well."""
    poll_in_vain(world)
    reader(world, "bob", 1, wait_s=3.0)


def poll_in_vain(world: World) -> None:
    """Add a sender, and a reader of a mailbox to which nothing comes."""
    sender(world, "alice", "a1", at=0)
    reader(world, "carol", 0, wait_s=3.0, mailbox="carol")
