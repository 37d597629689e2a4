"""Mutants of names and contents: whose mailbox it is, and what was written."""

from __future__ import annotations

import re
import unicodedata

from reference_server.adapters.mongo_store import MongoStore
from reference_server.blueprints import messages
from reference_server.interfaces import page_of
from reference_server.service import Messenger
from tests.mutants.parts import poll_the_store
from tests.mutants.registry import mutant

_content = messages._content


def _find_mailboxes(pattern):
    """Let polls read every mailbox whose name matches the `pattern` of the requested name."""

    def read(self, recipient, cursor, limit):
        where = {"recipient": pattern(recipient), "timestamp_us": {"$gt": cursor.since_us}}
        found = self._find(where, [("timestamp_us", 1)], limit + 1)
        return page_of(found, cursor, limit, head_seq=0)

    MongoStore.read, Messenger._read = read, poll_the_store


@mutant(row="FLOW-03", promise="no-phantom")
def mailbox_by_prefix():
    """A mailbox is looked up by a pattern that also matches longer names."""
    _find_mailboxes(lambda name: {"$regex": "^" + re.escape(name)})


@mutant(row="FLOW-03", promise="no-phantom")
def mailbox_in_any_case():
    """Names that differ in case are different users with one mailbox."""
    _find_mailboxes(lambda name: {"$regex": f"^{re.escape(name)}$", "$options": "i"})


@mutant(row="SEC-08", promise="no-phantom", replaces="blueprints.messages:_content", quick=True)
def content_trimmed(content, limit):
    """White space around a message is removed."""
    return _content(content, limit).strip()


@mutant(row="SEC-08", promise="no-phantom", replaces="blueprints.messages:_content")
def content_normalised(content, limit):
    """Messages are normalised to Unicode's composed form."""
    return unicodedata.normalize("NFC", _content(content, limit))


@mutant(row="SEC-08", promise="no-phantom", replaces="blueprints.messages:_content")
def content_cut_at_nul(content, limit):
    """A message ends where a C string would."""
    return _content(content, limit).partition("\0")[0]
