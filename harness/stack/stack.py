"""The stack of one run: three services, two proxies and one temporary folder, all gone at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeVar

from harness.errors import NotHere
from harness.history import UPSTREAM
from harness.stack.disk import require_disks
from harness.stack.finding import SERVICES, locate
from harness.stack.foreign import address_of, at_address
from harness.stack.found import Found
from harness.stack.guardian import GUARDIAN
from harness.stack.probe import Address
from harness.stack.programs import Mongod, Redis, StoreProcess, Toxiproxy
from harness.stack.proxies import proxy_on_free_port, proxy_on_port, require_passing_on
from harness.stack.redis_cluster import RedisCluster
from harness.stack.replica_set import ReplicaSet
from harness.stack.scratch import scratch_folder
from harness.stack.sentinel import Onlookers, Sentinel, WatchedRedis
from harness.stack.server_process import ServerProcess
from harness.stack.stores import DEFAULT_STORES, Stores, others, services_for
from harness.stack.toxics import Proxy, ProxyServer
from harness.stack.waiting import wait_until


class _Starts(Protocol):
    def start(self) -> None: ...


S = TypeVar("S", bound=ServerProcess)
Several = TypeVar("Several", bound=_Starts)
FOLLOWS_WITHIN_S = 15.0
"""By default a primary begins a full synchronisation 5 s after it was asked."""


def _silent(line: str) -> None:
    pass


class Services:
    """Redis, MongoDB and Toxiproxy, running while the context lasts.

    Each is used as `locate` finds it; `install` allows it to get a missing one, `say` is called with lines of
    progress. Services named by a URL in the environment are foreign: a proxy is put in front of them, and
    they are never flushed, stopped or killed. `logs` is a folder for the services' output; without one it is
    removed with the temporary folder. Of Redis and MongoDB only those in `stores` are used; a proxy is put in
    front of every other one.
    """

    def __init__(
        self,
        *,
        install: bool = True,
        say: Callable[[str], None] = _silent,
        redis_options: Sequence[str] = (),
        mongod_options: Sequence[str] = (),
        logs: Path | None = None,
        stores: Stores = DEFAULT_STORES,
    ) -> None:
        self._install = install
        self._say = say
        self._options = {"redis": redis_options, "mongod": mongod_options}
        self._logs = logs
        self._stores = stores
        self._exit = ExitStack()
        self.found: dict[str, Found] = {}
        self.proxies: dict[str, Proxy] = {}
        """The proxies in front of 'redis', 'mongodb' and any other store: 'upstream NAME'."""
        self.redis: Redis | None = None
        self.mongod: Mongod | None = None
        self._sentinels: list[Sentinel] = []
        self.toxiproxy: Toxiproxy | None = None
        self.redis_direct_url = ""
        self.mongodb_direct_url = ""
        self.redis_url = ""
        """Through the proxy, as `mongodb_url`: for the server under test."""
        self.mongodb_url = ""

    def __enter__(self) -> Services:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._exit.close()

    def reset(self) -> None:
        """Prepare for the next scenario: no fault, every service of ours running, our own Redis empty.

        A store whose disk or clock is not the machine's is started again. MongoDB is not emptied: each
        scenario has its own database name. Raise ProcessDied if a service ended by itself meanwhile.
        """
        for server in self._own():
            server.require_not_died()
            if server.paused:
                server.resume()
            if isinstance(server, StoreProcess):
                server.make_ordinary()
            if not server.running:
                server.start()
        for proxy in self.proxies.values():
            proxy.heal()
        if self.redis is not None:
            self.redis.flush()

    def require_alive(self) -> None:
        """Raise ProcessDied if a service of ours has ended by itself."""
        for server in self._own():
            server.require_not_died()

    @contextmanager
    def proxied(self, name: str, upstream: Address) -> Iterator[Proxy]:
        """Yield another proxy, which is in `proxies` under its name while the context lasts."""
        proxy = proxy_on_free_port(self._control, name, upstream)
        try:
            require_passing_on(name, proxy, foreign=self.toxiproxy is None)
            self.proxies[name] = proxy
            yield proxy
        finally:
            self.proxies.pop(name, None)
            proxy.destroy()

    @contextmanager
    def replica(self) -> Iterator[Redis]:
        """Yield another Redis, a replica with all data of our own; it ends with the context."""
        primary = self.own_redis()
        binary = self.found["redis"].binary
        assert binary is not None, "a Redis of ours has a program"
        folder = primary.folder.with_name("replica")
        follows = ("--replicaof", primary.address[0], str(primary.address[1]))
        replica = Redis(binary, folder=folder, log=primary.log.with_name("replica.log"), options=follows)
        try:
            replica.start()
            wait_until(replica.follows, deadline_s=FOLLOWS_WITHIN_S, what="the replica to be complete")
            yield replica
        finally:
            replica.kill()

    def watched_redis(self) -> AbstractContextManager[WatchedRedis]:
        """Return the context of a primary with two replicas and three sentinels, empty.

        Raise NotHere where Redis is not ours.
        """
        self.own_redis()
        return self._several("redis", WatchedRedis, WatchedRedis.close)

    def redis_cluster(self) -> AbstractContextManager[RedisCluster]:
        """Return the context of a Redis Cluster of three primaries, each with a replica.

        Raise NotHere where Redis is not ours.
        """
        self.own_redis()
        return self._several("redis", RedisCluster, RedisCluster.kill)

    def replica_set(self, *, divisible: bool = False) -> AbstractContextManager[ReplicaSet]:
        """Return the context of a MongoDB replica set of three.

        Raise NotHere where MongoDB is not ours, and for a `divisible` one where calls cannot be supervised.
        """
        self.own_mongod()
        if divisible:
            require_disks()
        make = partial(ReplicaSet, control=self._control, divisible=divisible)
        return self._several("mongod", make, ReplicaSet.stop)

    @contextmanager
    def _several(
        self, program: str, make: Callable[..., Several], end: Callable[[Several], object]
    ) -> Iterator[Several]:
        """Yield several processes of a program of ours that make one store; they end with the context."""
        binary = self.found[program].binary
        assert binary is not None, "a store of ours has a program"
        with ExitStack() as stack:
            folder = self._temporary_folder(stack)
            several = make(binary, folder=folder, logs=self._logs or folder)
            stack.callback(end, several)
            several.start()
            yield several

    @property
    def control_url(self) -> str:
        """The URL of Toxiproxy."""
        return self._control.url

    def own_redis(self) -> Redis:
        """Return the Redis to break or flush. Raise UsageError when it is not ours."""
        return _ours(self.redis, "redis")

    def own_mongod(self) -> Mongod:
        """Return the mongod to break. Raise UsageError when it is not ours."""
        return _ours(self.mongod, "mongod")

    def own_toxiproxy(self) -> Toxiproxy:
        """Return the Toxiproxy to break. Raise UsageError when it is not ours."""
        return _ours(self.toxiproxy, "toxiproxy")

    def _own(self) -> list[ServerProcess]:
        servers = (self.redis, self.mongod, self.toxiproxy, *self._sentinels)
        return [server for server in servers if server is not None]

    def _start(self) -> None:
        for service in SERVICES:
            if service in services_for(self._stores):
                self.found[service] = locate(service, install=self._install, say=self._say)
        self._make_servers(self._temporary_folder(self._exit))
        for server in self._own():  # all are launched before any is waited for
            self._exit.callback(
                server.kill
            )  # its data are removed with it, so a slow orderly shutdown is not needed
            server.launch()
        for server in self._own():
            server.await_ready()
        self._set_urls()

    def _temporary_folder(self, stack: ExitStack) -> Path:
        folder = scratch_folder()
        GUARDIAN.tell(folder=str(folder))
        stack.callback(_remove, folder)
        return folder

    def _make_servers(self, folder: Path) -> None:
        logs = self._logs or folder
        logs.mkdir(parents=True, exist_ok=True)
        binaries = {service: found.binary for service, found in self.found.items()}
        if binary := binaries.get("redis"):
            options = [*self._options["redis"]]
            if self._stores["redis"].sentinels:
                options += Onlookers.REDIS_OPTIONS
            self.redis = Redis(binary, folder=folder / "redis", log=logs / "redis.log", options=options)
        if binary := binaries.get("mongod"):
            self.mongod = Mongod(
                binary, folder=folder / "mongod", log=logs / "mongod.log", options=self._options["mongod"]
            )
        if binary := binaries["toxiproxy"]:
            self.toxiproxy = Toxiproxy(binary, log=logs / "toxiproxy.log")

    def _set_urls(self) -> None:
        upstreams = {f"{UPSTREAM} {name}": self._stores[name].address for name in others(self._stores)}
        if "redis" in self._stores:
            url = self.found["redis"].url
            self.redis_direct_url = url or "redis://{}:{}/0".format(*self.own_redis().address)
            upstreams["redis"] = address_of(self.redis_direct_url, "redis", "REDIS_URL")
        if "mongodb" in self._stores:
            url = self.found["mongod"].url or "mongodb://{}:{}/".format(*self.own_mongod().address)
            upstreams["mongodb"] = address_of(url, "mongodb", "MONGODB_URL")
            # Without directConnection a driver would go on to the address that the replica set announces, and
            # so round the proxy.
            self.mongodb_direct_url = at_address(url, upstreams["mongodb"], directConnection="true")
        self._make_proxies(upstreams)
        if "redis" in upstreams:
            self.redis_url = self._named_by_sentinels() or at_address(
                self.redis_direct_url, self.proxies["redis"].listen
            )
        if "mongodb" in upstreams:
            self.mongodb_url = at_address(self.mongodb_direct_url, self.proxies["mongodb"].listen)

    def _named_by_sentinels(self) -> str:
        """Start the sentinels that name the proxy of Redis; return the server's URL, or '' without any."""
        count = self._stores["redis"].sentinels
        if not count:
            return ""
        self.own_redis()
        binary, folder = self.found["redis"].binary, self._temporary_folder(self._exit)
        assert binary is not None, "a Redis of ours has a program"
        named = self.proxies["redis"].listen
        onlookers = Onlookers(binary, count, named, folder=folder, logs=self._logs or folder)
        for sentinel in onlookers.sentinels:
            self._exit.callback(sentinel.kill)
        onlookers.start()
        self._sentinels = onlookers.sentinels
        return onlookers.url("0")

    def _make_proxies(self, upstreams: Mapping[str, Address]) -> None:
        self._control = self._make_control()
        for store, upstream in upstreams.items():
            port = self._stores[store.removeprefix(f"{UPSTREAM} ")].port
            if port:
                proxy = proxy_on_port(self._control, store, upstream, port)
            else:
                proxy = proxy_on_free_port(self._control, store, upstream)
            self.proxies[store] = proxy
            if self.toxiproxy is None:
                self._exit.callback(proxy.destroy)
            require_passing_on(store, proxy, foreign=self.toxiproxy is None)

    def _make_control(self) -> ProxyServer:
        if self.toxiproxy is None:
            return ProxyServer(self.found["toxiproxy"].url or "")
        return ProxyServer(self.toxiproxy.url, recover=self._revive_toxiproxy)

    def _revive_toxiproxy(self) -> None:
        toxiproxy = self.own_toxiproxy()
        toxiproxy.kill()
        toxiproxy.start()


def _ours(server: S | None, service: str) -> S:
    if server is None:
        variable = SERVICES[service].variable
        raise NotHere(f"The {service} at {variable} is not ours: it is never flushed, stopped or killed.")
    return server


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)
    GUARDIAN.tell(removed=str(folder))
