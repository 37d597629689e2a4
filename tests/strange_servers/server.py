"""A small polling server that is honest, and speaks in one of many ways: `server.py PORT`.

`VARIATION` names the way, in which alone it differs from the reference's wire. `BUG` breaks it in one way
that its clients must notice. `CHANGE` is an operation, and what its answers become after a while. Everything
is in memory: one process, no stores.
"""

import base64
import json
import os
import re
import secrets
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

VARIATION = os.environ.get("VARIATION", "")
BUG = os.environ.get("BUG", "")
CHANGING, _, BECOMES = os.environ.get("CHANGE", "").partition(" ")
"""Such as `poll html`: what the answers of an operation become."""
SAME_FOR = int(os.environ.get("SAME_FOR", "12"))
"""How many answers of that operation are right before."""
PREFIX = "/v2" if VARIATION == "prefix_basic" else ""
API = f"{PREFIX}/api/users"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EAST = timezone(timedelta(hours=5, minutes=45))
UNITS_PER_S = {"epoch_ms": 10**3}.get(VARIATION, 10**6)
"""The resolution of its timestamps."""
CAP = 3
VISIBLE_AFTER_S = 1.0
"""Where reading deletes: when what was read without a receipt is served again."""
app = Flask(__name__)
app.json.ensure_ascii = False


class Chat:
    def __init__(self):
        self.passwords, self.tokens, self.mailboxes, self.sent = {}, {}, {}, {}
        self.last, self.count = 0, 0
        self.turn = threading.Lock()

    def send(self, sender, to, content, own_id):
        with self.turn:
            if own_id and BUG != "stores_retries" and (known := self.sent.get((sender, own_id))):
                return (known, True) if known["message"] == content else (None, True)
            self.count += 1
            now = time.time_ns() * UNITS_PER_S // 10**9
            self.last = max(now, self.last + 1)
            message = {"id": self.count, "from": sender, "to": to, "message": content, "units": self.last}
            message["client_message_id"] = own_id
            if BUG == "equal_timestamps":
                message["units"] = now - now % UNITS_PER_S  # all of one second
            self.sent[sender, own_id] = message
            self.mailboxes[to].append(message)
            if BUG == "foreign_mailbox" and self.count % 4 == 0:
                next(box for name, box in self.mailboxes.items() if name != to).append(message)
            return message, False

    def take(self, user, receipt, limit):
        """Serve what is not hidden, and hide it; what the receipt names is gone."""
        with self.turn:
            box, now = self.mailboxes[user], time.monotonic()
            given_back = set(filter(None, (receipt or "").split(",")))
            box[:] = [message for message in box if str(message["id"]) not in given_back]
            page = [message for message in box if message.get("hidden_until", 0) <= now][:limit]
            page = page[1:] if BUG == "caps_pages" else page
            for message in page:
                message["hidden_until"] = now + (0 if BUG == "never_hides" else VISIBLE_AFTER_S)
        return page, ",".join(str(message["id"]) for message in page) or None

    def page(self, user, since, limit):
        with self.turn:
            waiting = [
                message for message in self.mailboxes[user] if since is None or position(message) > since
            ]
        page = waiting[-min(limit, CAP) :] if BUG == "caps_pages" else waiting[:limit]
        has_more = len(page) < len(waiting) and BUG != "caps_pages"
        last = waiting if BUG == "cursor_passes" else page
        return page, has_more, (position(last[-1]) if last else None)


chat = Chat()


def position(message):
    """What the cursor compares."""
    return message["id"] if VARIATION in ("id_cursor", "etag") else message["units"]


def stamp(units):
    if VARIATION.startswith("epoch"):
        return units
    moment = EPOCH + timedelta(microseconds=units)
    if VARIATION == "offset_timestamps":
        return moment.astimezone(EAST).isoformat(timespec="microseconds")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + ("" if VARIATION == "naive_timestamps" else "Z")


def units(since):
    """A cursor as a number; raises ValueError where it is not one."""
    if VARIATION in ("id_cursor", "etag") or VARIATION.startswith("epoch"):
        return int(since)
    if VARIATION == "naive_timestamps":
        return (datetime.strptime(since, "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC) - EPOCH) // timedelta(
            microseconds=1
        )
    moment = datetime.fromisoformat(since.replace(" ", "+"))
    if moment.tzinfo is None or len(since) < 19:
        raise ValueError(since)
    return (moment - EPOCH) // timedelta(microseconds=1)


def shown(message):
    gone = {"units", "hidden_until", *(["from"] if VARIATION == "unsigned" else [])}
    rest = {key: value for key, value in message.items() if key not in gone}
    seq = {} if VARIATION == "no_seq" else {"seq": message["id"]}
    return rest | {"id": str(message["id"]), "timestamp": stamp(message["units"])} | seq


def answer(status, body, **headers):
    text = json.dumps(body) if body is not None else ""
    return Response(
        text, status, {"Content-Type": "application/json", "Cache-Control": "no-store", **headers}
    )


answered = 0


def changing(operation, status, body, **headers):
    """An answer that is another one after a while: HTML, without the field named, or with a number in it."""
    global answered
    if operation != CHANGING or (answered := answered + 1) <= SAME_FOR:
        return answer(status, body, **headers)
    if BECOMES == "html":
        return Response("<html>Please sign in to this network</html>", 200)
    name, _, value = BECOMES.partition("=")
    inside = [body, *body.get("messages", [])]
    for fields in inside if body else ():
        if name in fields:
            fields.pop(name)
            if value:
                fields[name] = json.loads(value)
    return answer(status, body, **headers)


def refuse(status, detail):
    return answer(status, {"status": status, "detail": detail}, **{"Retry-After": "1"})


def given(*names):
    """The fields of a request; None where they are not strings."""
    is_form = VARIATION == "form_bodies"
    fields = request.form if is_form else request.get_json(silent=True, force=True)
    if not hasattr(fields, "get"):
        return [None] * len(names)
    found = [fields.get(name) for name in names]
    return [value if isinstance(value, str) and "\ud800" not in value else None for value in found]


def who_asks():
    if VARIATION == "prefix_basic":
        try:
            pair = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        except ValueError:
            return None
        name, _, password = pair.partition(":")
        return name if chat.passwords.get(name, "") == password else None
    if VARIATION == "etag":
        return chat.tokens.get(request.headers.get("X-Auth-Token", ""))
    if VARIATION == "cookie":
        return chat.tokens.get(request.cookies.get("session"))
    return chat.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))


@app.get("/")
def ready():
    return answer(200, {})


@app.post(f"{API}/register")
def register():
    name, password = given("username", "password")
    if not name or not password or not re.fullmatch(r"[\w.+@-]{3,64}", name):
        return refuse(
            400, "username and password must be strings, a name of 3 to 64 letters, digits or . + @ -"
        )
    if chat.passwords.setdefault(name, password) is not password:
        return refuse(409, "this name is taken")
    chat.mailboxes[name] = []
    return answer(200 if VARIATION == "register_200" else 201, {"username": name})


@app.post(f"{API}/login")
def sign_in():
    name, password = given("username", "password")
    if not name or not password:
        return refuse(400, "username and password must be strings")
    if chat.passwords.get(name) != password:
        return refuse(401, "wrong name or password")
    token = secrets.token_urlsafe(24)
    chat.tokens[token] = name
    if VARIATION == "cookie":
        return answer(200, {"username": name}, **{"Set-Cookie": f"session={token}; HttpOnly; Path=/"})
    return changing("sign_in", 200, {"access_token" if VARIATION == "access_token" else "token": token})


@app.post(f"{API}/messages")
def send():
    sender = who_asks()
    if sender is None:
        return refuse(401, "sign in first")
    to, content, own_id, claimed = given("to_username", "content", "client_message_id", "from_username")
    if not to or not content or not content.strip() or len(content) > 1000:
        return refuse(400, "to_username and content must be strings, content of 1 to 1,000 characters")
    if to not in chat.mailboxes:
        return refuse(404, "there is no such user")
    if claimed not in (None, sender):
        return refuse(403, "you can only send as yourself")
    message, replayed = chat.send(sender, to, content, own_id)
    if message is None:
        return refuse(400, "this client_message_id was used with another content")
    return changing("send", 201 if VARIATION == "send_201" else 200, shown(message) | {"replayed": replayed})


@app.get(f"{API}/messages/poll/<name>")
def poll(name):
    user = who_asks()
    if user is None:
        return refuse(401, "sign in first")
    if not 3 <= len(name) <= 64:
        return refuse(400, "a name has 3 to 64 characters")
    if name != user:
        return refuse(403 if name in chat.mailboxes else 404, "this is not your mailbox")
    since, limit = request.args.get("since"), request.args.get("limit", "50")
    if VARIATION == "destructive":
        page, receipt = chat.take(user, request.args.get("receipt"), int(limit))
        return answer(200, {"messages": [shown(message) for message in page], "receipt": receipt})
    if VARIATION == "etag":
        since = request.headers.get("If-None-Match", "").strip('"') or None
    try:
        after, size = None if since is None else units(since), int(limit)
    except ValueError:
        return refuse(400, "since or limit is malformed")
    if not 1 <= size <= 100:
        return refuse(400, "limit must be 1 to 100")
    return told(*chat.page(user, after, size), since)


def told(page, has_more, last, since):
    messages = [shown(message) for message in page]
    if VARIATION == "none_204" and not messages:
        return answer(204, None)
    if VARIATION == "newest_first":
        messages.reverse()
    if VARIATION == "bare_list":
        return answer(200, messages)
    if VARIATION == "no_cursor":
        return answer(200, {"messages": messages})
    if VARIATION == "etag":
        etag = {"ETag": f'"{last or since or 0}"'}  # 0: before the first message
        return (
            answer(200, {"messages": messages, "has_more": has_more}, **etag)
            if messages
            else answer(304, None, **etag)
        )
    if VARIATION == "id_cursor":
        return answer(
            200, {"messages": messages, "has_more": has_more, "next_since": since if last is None else last}
        )
    cursor = since if last is None else stamp(last)
    page = {"messages": messages, "has_more": has_more, "next_since": cursor, "gap": False}
    return changing("poll", 200, page)


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *words):
        """Nothing to log."""


if __name__ == "__main__":
    for known in range(int(os.environ.get("KNOWN_USERS", "0"))):
        chat.passwords[f"user{known}"], chat.mailboxes[f"user{known}"] = f"password{known}", []
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=Handler).serve_forever()
