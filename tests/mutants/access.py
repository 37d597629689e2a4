"""Mutants of who may do what."""

from __future__ import annotations

from contextvars import ContextVar

import jwt
from flask import request
from limits.storage import MemoryStorage
from werkzeug.http import parse_list_header

from reference_server import app, auth, rate_limit
from reference_server.auth import Accounts
from reference_server.blueprints import messages, requests
from reference_server.errors import Unauthenticated
from reference_server.service import Messenger
from tests.mutants.registry import STORY, mutant

_signed_in, _sign_in, _decode = requests.signed_in, Accounts._sign_in, jwt.decode
_matches, _add_send, _send = Accounts._matches, rate_limit.Sends.add, Messenger.send
_body_of_send = messages.Sends.body


@mutant(row="SEC-01", promise="private", replaces="blueprints.requests:signed_in", quick=True)
def poll_without_a_token():
    """Any client that polls is taken for the owner of the mailbox in the path."""
    if request.endpoint == "messages.poll":
        return request.view_args["mailbox"]
    return _signed_in()


@mutant(row="SEC-01", promise="private", replaces="blueprints.requests:signed_in")
def send_without_a_token():
    """A client without a valid token can send as a guest."""
    try:
        return _signed_in()
    except Unauthenticated:
        if request.endpoint == "messages.send":
            return "guest"
        raise


def _decode_without(*checks):
    """Let tokens be read without some of the library's checks."""
    skipped = {f"verify_{check}": False for check in checks}

    def decode(token, key, algorithms, options):
        return _decode(token, key, algorithms=algorithms, options=options | skipped)

    auth.jwt.decode = decode


@mutant(row="SEC-01", promise="private")
def signature_not_checked():
    """A token is read without checking its signature."""
    _decode_without("signature", "exp")


@mutant(row="SEC-02", promise="private")
def token_lives_forever():
    """A token's expiry is not checked."""
    _decode_without("exp")


@mutant(row="SEC-03", promise="private", replaces="blueprints.messages:_refuse_mailbox")
def every_mailbox_is_open(accounts, mailbox):
    """Any signed-in user can poll any mailbox."""


@mutant(row="SEC-03", promise="private", replaces="blueprints.messages:Sends.body")
def sender_in_the_body(self, sender, address, fields):
    """The sender of a message is whoever its body names."""
    return _body_of_send(self, fields.get("from_username", sender), address, fields)


@mutant(row="SEC-04", promise=STORY, says="answered differently", replaces="auth:Accounts._sign_in")
def unknown_user_told(self, username, password, address):
    """Sign-in says whether it is the name or the password that is wrong."""
    if self._users.password_hash(username) is None:
        raise Unauthenticated(f"There is no user called '{username}'.")
    return _sign_in(self, username, password, address)


@mutant(row="SEC-04", promise=STORY, says="takes", replaces="auth:Accounts._matches")
def unknown_user_is_quicker(self, password_hash, password):
    """No password is hashed for a name that does not exist."""
    return password_hash != self._dummy_hash and _matches(self, password_hash, password)


@mutant(row="SEC-05", promise=STORY, says="were not slowed")
def guesses_not_counted():
    """Passwords can be guessed as fast as the server answers."""
    app.SignInFailures.check = app.SignInFailures.add = lambda self, account, address: None


@mutant(row="SEC-05", promise="private")
def guesses_counted_by_process():
    """Each worker counts failed sign-ins by itself, so each of them allows all the guesses."""
    app.MongoCounts = lambda database, collection: MemoryStorage()


@mutant(
    row="SEC-09", promise=STORY, says="messages in a row were not slowed", replaces="rate_limit:Sends.add"
)
def sends_not_limited(self, sender, address):
    """Any signed-in user can fill any mailbox as fast as the server answers."""


@mutant(row="SEC-09", promise=STORY, says="was slowed, too", replaces="rate_limit:Sends.add")
def sends_of_all_counted_as_one(self, sender, address):
    """All senders share one count: a user who floods keeps all others from sending."""
    _add_send(self, "everybody", address)


@mutant(row="SEC-09", promise=STORY, says="were accepted, and")
def refused_send_stored():
    """A message is stored before it is counted, so one that is refused arrives."""

    def send(self, *message):
        sent = _send(self, *message)
        _add_send(*to_count.get())
        return sent

    to_count = ContextVar("to_count")
    rate_limit.Sends.add = lambda *whom: to_count.set(whom)
    Messenger.send = send


@mutant(row="SEC-09", promise=STORY, says="registrations in a row were not slowed")
def registrations_not_limited():
    """A client can register as many names as the server can hash passwords for."""
    app.Registrations.add = lambda self, address: None


@mutant(row="SEC-10", promise=STORY, says="wrong passwords in a row were not slowed")
def addresses_taken_as_they_are_spelled():
    """An address with a port counts as a different address for each port."""
    rate_limit.network_of = lambda address: address


@mutant(row="SEC-10", promise="private", replaces="addresses:client_address")
def forwarded_address_read_by_the_quotes(remote, forwarded_for, trusted_proxies):
    """A quote sent by a client hides the address that the proxy adds after it."""
    entries = parse_list_header(forwarded_for)
    return entries[-trusted_proxies] if trusted_proxies and len(entries) >= trusted_proxies else remote
