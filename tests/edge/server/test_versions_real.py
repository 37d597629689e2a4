"""Workers of different versions at one mailbox, on a real Redis."""

from __future__ import annotations

from tests.contracts.versions_contract import VersionsContract


class TestVersions(VersionsContract):
    pass
