"""A broken disk, on real programs: what was not synced is lost, and nothing that was."""

import subprocess
import sys

import pymongo
import pytest
from pymongo import WriteConcern

from harness.stack import Disk, require_disks


@pytest.fixture(autouse=True)
def disks():
    require_disks()


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


def test_only_files_of_the_disk_are_concerned(disk, tmp_path):
    disk.fill()
    done = run(disk, f"open({str(tmp_path / 'elsewhere')!r}, 'w').write('text')", "print('still here')")
    assert done.stdout == "still here\n"
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "text"


def insert(ours, text, *, journaled):
    with pymongo.MongoClient(ours.mongodb_direct_url) as client:
        concern = WriteConcern("majority", j=True) if journaled else WriteConcern(1, j=False)
        client.test.get_collection("disks", write_concern=concern).insert_one({"_id": text})


def found(ours):
    with pymongo.MongoClient(ours.mongodb_direct_url) as client:
        return {document["_id"] for document in client.test.disks.find()}


@pytest.fixture
def mongod(ours):
    """A mongod on a disk that can be broken, which syncs by itself twice a second."""
    mongod = ours.own_mongod()
    mongod.kill()
    mongod.disk = Disk(mongod.folder)
    mongod.start()
    with pymongo.MongoClient(ours.mongodb_direct_url) as client:
        client.test.disks.drop()
        client.admin.command("setParameter", 1, journalCommitInterval=500)
    return mongod


def power_cut(mongod):
    mongod.kill()
    mongod.disk.lose_unsynced()
    mongod.start()


def test_mongodb_keeps_what_it_has_journaled(ours, mongod):
    """And what it has not is lost: so a power cut shows whether an ack waits for the journal."""
    insert(ours, "journaled", journaled=True)
    insert(ours, "not journaled", journaled=False)
    power_cut(mongod)
    assert found(ours) == {"journaled"}


def test_a_power_cut_is_more_than_a_kill(ours, mongod):
    """If syncs do nothing, as on a disk with an unsafe cache, a killed mongod loses nothing."""
    mongod.disk.lie()
    insert(ours, "killed", journaled=True)
    mongod.kill()
    mongod.start()
    mongod.disk.lie()
    insert(ours, "power cut", journaled=True)
    power_cut(mongod)
    assert found(ours) == {"killed"}
