"""Mutants of input: malformed input must be refused, and requested parameters obeyed."""

from __future__ import annotations

from reference_server.blueprints import requests
from reference_server.errors import InvalidRequest
from reference_server.service import Messenger
from tests.mutants.registry import STORY, mutant

_moment, _look = requests.moment, Messenger._look


@mutant(row="SEC-06", promise="refuses", replaces="blueprints.requests:moment")
def malformed_cursor_ignored(name):
    """A cursor that cannot be parsed is treated as none."""
    try:
        return _moment(name)
    except InvalidRequest:
        return None


@mutant(row="SEC-06", promise="refuses", replaces="blueprints.requests:whole_number")
def limit_clamped(name, legal, default):
    """A page size outside its range is clamped."""
    value = requests.parameter(name)
    return (
        min(max(int(value), legal.start), legal.stop - 1)
        if value and value.lstrip("-").isdigit()
        else default
    )


@mutant(row="SEC-07", promise="refuses", replaces="auth:check_username")
def names_taken_as_they_come(text, field="username"):
    """A name may contain anything."""
    return text


@mutant(row="POLL-05", promise=STORY, says="limit=1 must bring", replaces="service:Messenger._look")
def limit_ignored(self, mailbox, since_us, limit):
    """The requested page size is ignored."""
    return _look(self, mailbox, since_us, 100)
