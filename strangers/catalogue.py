"""The systems that are judged: how each is installed, and which rows of the plan fit it."""

from __future__ import annotations

import importlib.metadata
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FLOWS = ("FLOW-01", "FLOW-02", "FLOW-05", "FLOW-06")
"""Rows that need nothing but sends and polls, all of which are recorded."""
PLAIN = (*FLOWS, "POLL-06")
"""Also a row whose own polls are not recorded: where reading deletes, they would take messages away."""


@dataclass(frozen=True)
class Stranger:
    """One system in one configuration. `version` raises an exception where it is not installed."""

    name: str
    profile: str
    version: Callable[[], str]
    install: Sequence[str]
    rows: Sequence[str]


def debian_version(package: str) -> str:
    """Return the version of an installed Debian package."""
    query = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip()


def _nchan() -> str:
    return f"Debian's libnginx-mod-nchan {debian_version('libnginx-mod-nchan')}"


def _moto() -> str:
    return f"moto {importlib.metadata.version('moto')}"


NCHAN = ("apt-get", "install", "-y", "--no-install-recommends", "nginx", "libnginx-mod-nchan")
MOTO = ("python", "-m", "pip", "install", "moto[server]>=5.2,<6", "boto3>=1.40,<2")

STRANGERS = (
    Stranger("Nchan", "nchan/nchan.toml", _nchan, NCHAN, PLAIN),
    Stranger("Nchan, buffer of 10,000", "nchan/nchan_large.toml", _nchan, NCHAN, (*PLAIN, "FLOW-09")),
    Stranger("SQS FIFO (moto)", "sqs/fifo.toml", _moto, MOTO, FLOWS),
    Stranger("SQS standard (moto)", "sqs/standard.toml", _moto, MOTO, FLOWS),
)
