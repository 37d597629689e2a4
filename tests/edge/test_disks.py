"""A broken disk, on real programs: what was not synced is lost, and nothing that was."""

import subprocess
import sys

import pymongo
import pytest
import redis
from pymongo import WriteConcern

from harness.stack import Disk
from harness.stack.disk_shim import UNSUPPORTED
from harness.stack.programs import Mongod, Redis

pytestmark = pytest.mark.usefixtures("disks")


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "data").mkdir()
    disk = Disk(tmp_path / "data")
    disk.begin()
    return disk


def run(disk, *lines):
    """Run a program on the disk; its current folder is the disk's."""
    program = [*disk.words, sys.executable, "-c", "\n".join(("import os", *lines))]
    return subprocess.run(program, cwd=disk.folder, capture_output=True, encoding="utf-8", timeout=30)


def kept(disk):
    """What each file has after a power cut."""
    disk.lose_unsynced()
    return {path.name: path.read_bytes() for path in disk.folder.iterdir()}


def test_what_was_not_synced_is_lost(disk):
    done = run(
        disk,
        "one = os.open('one', os.O_CREAT | os.O_WRONLY | os.O_APPEND)",
        "os.write(one, b'synced'); os.fsync(one); os.write(one, b' not')",
        "two = os.open('two', os.O_CREAT | os.O_RDWR)",
        "os.pwrite(two, b'synced', 2); os.fdatasync(two); os.pwrite(two, b'not', 0)",
        "os.write(os.open('three', os.O_CREAT | os.O_WRONLY), b'never synced')",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert kept(disk) == {"one": b"synced", "two": b"\0\0synced", "three": b""}


def test_what_was_there_before_counts_as_synced(disk):
    (disk.folder / "old").write_bytes(b"here before")
    run(disk, "old = os.open('old', os.O_WRONLY)", "os.pwrite(old, b'over', 0); os.ftruncate(old, 4)")
    assert kept(disk) == {"old": b"here before"}


def test_a_file_that_is_renamed_and_one_in_its_place_are_told_apart(disk):
    """Redis saves a snapshot in this way: it syncs a new file, and gives it the old one's name."""
    done = run(
        disk,
        "for text in (b'first', b'second'):",
        "    file = os.open('new', os.O_CREAT | os.O_WRONLY)",
        "    os.write(file, text); os.fsync(file); os.close(file); os.rename('new', 'snapshot')",
        "os.unlink('snapshot')",
        "os.write(os.open('snapshot', os.O_CREAT | os.O_WRONLY), b'not synced')",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert kept(disk) == {"snapshot": b""}


def test_many_threads_lose_nothing_that_they_synced(disk):
    """Each writes its own block again and again, and syncs; a sync of another must not forget the block."""
    done = run(
        disk,
        "from concurrent.futures import ThreadPoolExecutor",
        "file = os.open('file', os.O_CREAT | os.O_RDWR)",
        "def write(number):",
        "    for round in range(50):",
        "        os.pwrite(file, b'%3d' % round, 3 * number); os.fsync(file)",
        "with ThreadPoolExecutor(8) as pool: list(pool.map(write, range(8)))",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert kept(disk) == {"file": b" 49" * 8}


@pytest.mark.parametrize(
    ("mode", "why"), [("fill", "No space left on device"), ("fail", "Input/output error")]
)
def test_a_disk_that_is_full_or_fails_says_so(disk, mode, why):
    getattr(disk, mode)()
    done = run(disk, "os.write(os.open('file', os.O_CREAT | os.O_WRONLY), b'text')")
    assert why in done.stderr
    assert disk.refused == 1


def test_a_disk_that_lies_keeps_nothing(disk):
    disk.lie()
    done = run(
        disk, "file = os.open('file', os.O_CREAT | os.O_WRONLY)", "os.write(file, b'x'); os.fsync(file)"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (disk.folder / "file").read_bytes() == b"x"
    assert kept(disk) == {"file": b""}


def test_a_sync_hangs_until_the_disk_works(disk):
    """The program makes its disk work again by itself, from another thread: the sync ends, and is done."""
    disk.hang()
    done = run(
        disk,
        "import threading, time",
        "file = os.open('file', os.O_CREAT | os.O_WRONLY)",
        "os.write(file, b'synced')",
        "sync = threading.Thread(target=os.fsync, args=[file])",
        "sync.start(); sync.join(0.2); print(sync.is_alive(), flush=True)",
        f"state = os.open({disk.words[-3]!r}, os.O_WRONLY); os.pwrite(state, bytes(16), 0)",
        "sync.join(); os.write(file, b' not synced')",
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert kept(disk) == {"file": b"synced"}


def test_only_files_of_the_disk_are_concerned(disk, tmp_path):
    disk.fill()
    done = run(disk, f"open({str(tmp_path / 'elsewhere')!r}, 'w').write('text')", "print('still here')")
    assert done.stdout == "still here\n"
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "text"


def test_a_disk_under_a_disk_is_not_here(disk):
    """The kernel supervises a call once: so does a sandbox that does the same with the harness."""
    done = run(disk, "import subprocess, sys", f"sys.exit(subprocess.call([*{disk.words!r}, 'true']))")
    assert done.returncode == UNSUPPORTED
    assert "Device or resource busy" in done.stderr


@pytest.fixture
def place(services, tmp_path):
    """Starts a store of the test's own in a folder, on a disk that can be broken."""
    started = []

    def start(kind, *options):
        if (binary := services.found[kind.__name__.lower()].binary) is None:
            pytest.skip("there is no program of a store that the environment names")
        started.append(store := kind(binary, folder=tmp_path / "store", log=tmp_path / "log"))
        store.disk, store.more_options = Disk(store.folder), options
        store.start()
        return store

    yield start
    for store in started:
        store.kill()


def power_cut(store):
    store.kill()
    store.disk.lose_unsynced()
    store.start()


def insert(client, text, *, journaled):
    concern = WriteConcern("majority", j=True) if journaled else WriteConcern(1, j=False)
    client.test.get_collection("disks", write_concern=concern).insert_one({"_id": text})


def test_mongodb_keeps_what_it_has_journaled(place):
    """While syncs hang it acks only what did not ask for the journal: that is what a power cut takes."""
    mongod = place(Mongod)
    with pymongo.MongoClient(*mongod.address, directConnection=True) as client:
        insert(client, "journaled", journaled=True)
        mongod.disk.hang()
        insert(client, "not journaled", journaled=False)
        with pymongo.timeout(1), pytest.raises(pymongo.errors.PyMongoError, match="timed out"):
            insert(client, "never acked", journaled=True)
    power_cut(mongod)
    with pymongo.MongoClient(*mongod.address, directConnection=True) as client:
        assert [document["_id"] for document in client.test.disks.find()] == ["journaled"]


def test_a_power_cut_takes_more_than_a_kill(place):
    """A Redis that never syncs writes its file before it answers: a kill alone loses nothing."""
    server = place(Redis, "--appendonly", "yes", "--appendfsync", "no")
    with redis.Redis(*server.address, decode_responses=True) as client:
        client.set("killed", "kept")
        server.kill()
        server.start()
        client.set("cut off", "lost")
        power_cut(server)
        assert client.mget("killed", "cut off") == ["kept", None]
