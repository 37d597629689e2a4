"""A broken disk, on real programs: what was not synced is lost, and nothing that was."""

import subprocess
import sys

import pymongo
import pytest
from pymongo import WriteConcern

from harness.faults.disk_faults import SYNCS_RARELY
from harness.stack import Disk, require_disks
from harness.stack.disk_shim import UNSUPPORTED
from harness.stack.programs import Mongod


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


def test_a_disk_under_a_disk_is_not_here(disk):
    """The kernel supervises a call once: so does a sandbox that does the same with the harness."""
    done = run(disk, "import subprocess, sys", f"sys.exit(subprocess.call([*{disk.words!r}, 'true']))")
    assert done.returncode == UNSUPPORTED
    assert "Device or resource busy" in done.stderr


class Database:
    """One collection of a mongod of the test's own, on a disk that can be broken."""

    def __init__(self, binary, folder):
        self.mongod = Mongod(binary, folder=folder / "mongod", log=folder / "log")
        self.mongod.disk, self.mongod.more_options = Disk(self.mongod.folder), SYNCS_RARELY
        self.mongod.start()
        self._client = pymongo.MongoClient(*self.mongod.address, directConnection=True)

    def insert(self, text, *, journaled=True):
        concern = WriteConcern("majority", j=True) if journaled else WriteConcern(1, j=False)
        self._client.test.get_collection("disks", write_concern=concern).insert_one({"_id": text})

    def checkpoint(self):
        """Have it write all files now; it does so by itself once a minute, and after its first writes."""
        self._client.admin.command("fsync")

    def texts(self):
        return {document["_id"] for document in self._client.test.disks.find()}

    def kill(self, *, power_cut=False):
        self.mongod.kill()
        if power_cut:
            self.mongod.disk.lose_unsynced()
        self.mongod.start()

    def close(self):
        self._client.close()
        self.mongod.kill()


@pytest.fixture
def database(services, tmp_path):
    if (binary := services.found["mongod"].binary) is None:
        pytest.skip("there is no program of the MongoDB of the environment")
    database = Database(binary, tmp_path)
    yield database
    database.close()


def test_mongodb_keeps_what_it_has_journaled(database):
    """What it has not is lost, unless it synced just then by itself: so a cut shows what an ack waits for."""
    journaled = {f"journaled {number}" for number in range(5)}
    for number in range(5):
        database.insert(f"journaled {number}")
        database.insert(f"not journaled {number}", journaled=False)
        database.kill(power_cut=True)
        texts = database.texts()
        assert {f"journaled {earlier}" for earlier in range(number + 1)} == texts & journaled
        if f"not journaled {number}" not in texts:
            return
    pytest.fail("it synced each time what did not ask for it")


def test_a_power_cut_is_more_than_a_kill(database):
    """If syncs do nothing, as on a disk with an unsafe cache, a killed mongod loses nothing."""
    disk = database.mongod.disk
    database.insert("settled")
    database.checkpoint()
    disk.lie()
    database.insert("killed")
    database.kill()
    database.insert("settled again")
    database.checkpoint()
    disk.lie()
    database.insert("power cut")
    database.kill(power_cut=True)
    assert database.texts() == {"settled", "killed", "settled again"}
