"""The systems that are judged: how each is installed, and which rows of the plan fit it."""

from __future__ import annotations

import importlib.metadata
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from strangers.centrifugo.start import program
from strangers.kinto.postgresql import program as postgresql_program

FLOWS = ("FLOW-01", "FLOW-02", "FLOW-05", "FLOW-06", "POLL-06")
"""Rows that need nothing but sends and polls."""
CURSORS = (*FLOWS, "FLOW-03", "FLOW-09", "CHAOS-01")
"""Also rows with several readers of one mailbox."""
COPIES = "CHAOS-06"
"""For those where a retry is safe."""
KILLED = "ERR-05"
"""For those that keep what they have on disk: the server is killed, and started again."""
RETAINED = "CHAOS-05"
"""For those that keep a number of messages: more than 1,000 wait."""
REDIS = ("ERR-02", "ERR-03", "CHAOS-09", "CHAOS-10", "CHAOS-11", "CHAOS-15", "CHAOS-16", "CHAOS-33")
"""Redis is away, silent, slow, flaps, is read-only or full, denies commands."""


@dataclass(frozen=True)
class Stranger:
    """One system in one configuration. `version` raises an exception where it is not installed by `install`.

    `story` is a file of `strangers/stories/` that shows, without the harness, what it breaks.
    """

    name: str
    profile: str
    version: Callable[[], str]
    install: str
    rows: Sequence[str]
    story: str = ""


def debian_version(package: str) -> str:
    """Return the version of an installed Debian package."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip()


def go_version(path: str) -> str:
    """Return the version of the module that a program was built from."""
    said = subprocess.run(["go", "version", "-m", path], check=True, capture_output=True, text=True).stdout
    return next(line.split()[2] for line in said.splitlines() if line.startswith("\tmod\t"))


def _nchan() -> str:
    return f"Debian's libnginx-mod-nchan {debian_version('libnginx-mod-nchan')}"


def _moto() -> str:
    return f"moto {importlib.metadata.version('moto')}"


def _centrifugo() -> str:
    return f"Centrifugo {go_version(program())}"


def _synapse() -> str:
    return f"Synapse {importlib.metadata.version('matrix-synapse')}"


def _kinto() -> str:
    said = subprocess.run(
        [postgresql_program("postgres"), "--version"], check=True, capture_output=True, text=True
    ).stdout
    return f"Kinto {importlib.metadata.version('kinto')}, PostgreSQL {said.split()[2]}"


NCHAN = "apt-get install nginx libnginx-mod-nchan"
MOTO = "python -m pip install 'moto[server]>=5.2,<6' 'boto3>=1.40,<2'"
CENTRIFUGO = "go install github.com/centrifugal/centrifugo/v6@v6.9.1"
SYNAPSE = "python -m pip install 'matrix-synapse>=1.163,<2'"
KINTO = "apt-get install postgresql && python -m pip install 'kinto[postgresql]>=26.5,<27'"

STRANGERS = (
    Stranger("Nchan", "nchan/nchan.toml", _nchan, NCHAN, CURSORS, "nchan_buffer.py"),
    Stranger("Nchan, buffer of 10,000", "nchan/nchan_large.toml", _nchan, NCHAN, CURSORS),
    Stranger("SQS FIFO (moto)", "sqs/fifo.toml", _moto, MOTO, (*FLOWS, COPIES), "sqs_retry.py"),
    Stranger("SQS standard (moto)", "sqs/standard.toml", _moto, MOTO, FLOWS),
    Stranger(
        "Centrifugo, in memory",
        "centrifugo/memory.toml",
        _centrifugo,
        CENTRIFUGO,
        (*CURSORS, COPIES, RETAINED),
    ),
    Stranger(
        "Centrifugo, on Redis",
        "centrifugo/redis.toml",
        _centrifugo,
        CENTRIFUGO,
        (*REDIS, COPIES, KILLED),
    ),
    Stranger("Matrix (Synapse)", "matrix/synapse.toml", _synapse, SYNAPSE, (*CURSORS, COPIES, KILLED)),
    Stranger("Kinto, on PostgreSQL", "kinto/kinto.toml", _kinto, KINTO, (*CURSORS, COPIES, KILLED)),
)
