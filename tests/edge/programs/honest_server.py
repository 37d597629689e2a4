"""Another honest server: it keeps the promises, and does otherwise what the contract leaves open.

`honest_server.py PORT REDIS_URL MONGODB_URL DATABASE`. One process; MongoDB keeps the messages; without
Redis, where it notes each newest message, it serves no poll. A malformed `since` is ignored, a `limit` made
legal; what breaks a rule is answered 422, an unknown user 403.
"""

import hashlib
import json
import re
import secrets
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pymongo
import pymongo.errors
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

API = "/api/users"
LONGEST_MESSAGE = 500
PASSWORD_ROUNDS = 1000


class Refusal(Exception):
    """The answer's status, and what it says."""


class Chat:
    def __init__(self, redis_url, mongodb_url, database):
        self.redis = redis.Redis.from_url(
            redis_url, socket_timeout=0.25, socket_connect_timeout=0.25, retry=Retry(NoBackoff(), 0)
        )
        client = pymongo.MongoClient(
            mongodb_url, timeoutMS=400, retryWrites=False, retryReads=False, w="majority", journal=True
        )
        self.users, self.messages = client[database]["users"], client[database]["messages"]
        self.tokens = {}
        self.turn = threading.Lock()

    def register(self, username, password):
        if not isinstance(username, str) or not re.fullmatch(r"[A-Za-z0-9._-]{3,64}", username):
            raise Refusal(422, "username must have 3 to 64 letters, digits, dots, hyphens or underscores")
        if not isinstance(password, str) or not password:
            raise Refusal(422, "password is missing")
        try:
            self.users.insert_one({"_id": username, "hash": hashed(username, password)})
        except pymongo.errors.DuplicateKeyError:
            raise Refusal(422, "this name is taken") from None
        return 201, {"username": username}

    def sign_in(self, username, password):
        known = self.users.find_one({"_id": str(username)}) or {"hash": ""}
        if known["hash"] != hashed(str(username), str(password)):
            raise Refusal(401, "wrong name or password")
        token = secrets.token_urlsafe(24)
        self.tokens[token] = username
        return 200, {
            "token": token,
            "username": username,
            "expires_at": stamp(time.time_ns() // 1000 + 10**10),
        }

    def send(self, sender, to, content, own_id):
        if not isinstance(content, str) or not content.strip() or len(content) > LONGEST_MESSAGE:
            raise Refusal(422, f"content must have 1 to {LONGEST_MESSAGE} characters")
        if not self.users.find_one({"_id": str(to)}):
            raise Refusal(403, "you may not write to this user")
        with self.turn:
            message, replayed = self.store(sender, to, content, own_id)
        told = {key: message[key] for key in ("message", "id", "seq", "timestamp", "client_message_id")}
        return 200, told | {"queued": self.note(to, message["seq"]), "replayed": replayed}

    def store(self, sender, to, content, own_id):
        if own_id and (known := self.messages.find_one({"from": sender, "client_message_id": own_id})):
            return known, True
        last = self.messages.find_one({"to": to}, sort=[("seq", -1)]) or {"seq": 0, "us": 0}
        us = max(time.time_ns() // 1000, last["us"] + 1)
        seq = last["seq"] + 1
        message = {"_id": f"{to}:{seq}", "id": secrets.token_hex(8), "seq": seq, "from": sender, "to": to}
        message |= {"message": content, "us": us, "timestamp": stamp(us), "client_message_id": own_id}
        self.messages.insert_one(message)
        return message, False

    def note(self, to, seq):
        try:
            return bool(self.redis.set(f"newest:{to}", seq, ex=3600))
        except redis.RedisError:
            return False

    def poll(self, user, since, limit):
        self.redis.get(f"newest:{user}")  # raises where Redis is away
        after = micros(since)
        at_most = min(100, max(1, int(limit))) if re.fullmatch(r"-?[0-9]{1,9}", limit) else 50
        where = {"to": user, "us": {"$gt": -1 if after is None else after}}
        found = list(self.messages.find(where, {"_id": 0, "us": 0}).sort("seq", 1).limit(at_most + 1))
        page = found[:at_most]
        cursor = page[-1]["timestamp"] if page else since if after is not None else None
        told = {"messages": page, "count": len(page), "has_more": len(found) > at_most, "next_since": cursor}
        return 200, told | {"gap": False, "timestamp": stamp(time.time_ns() // 1000), "success": True}


def hashed(username, password):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), username.encode(), PASSWORD_ROUNDS).hex()


def stamp(us):
    return datetime.fromtimestamp(us // 10**6, UTC).strftime(f"%Y-%m-%dT%H:%M:%S.{us % 10**6:06d}Z")


def micros(since):
    """Microseconds since 1970; None where there is no timestamp, or no legal one."""
    try:
        moment = datetime.fromisoformat(since.replace(" ", "+"))
    except ValueError:
        return None
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return int(whole.timestamp()) * 10**6 + moment.microsecond if moment.tzinfo else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: Chat

    def do_GET(self):
        self.answer(self.get)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(lambda: self.post(body))

    def get(self):
        url = urlsplit(self.path)
        if url.path == "/":
            return 200, {}
        user = self.signed_in()
        mailbox = unquote(url.path).removeprefix(f"{API}/messages/poll/")
        if not 3 <= len(mailbox) <= 64:
            raise Refusal(422, "a name has 3 to 64 characters")
        if mailbox != user:
            raise Refusal(403, "you may not read this mailbox")
        given = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        return self.chat.poll(user, given.get("since", ""), given.get("limit", "50"))

    def post(self, body):
        try:
            fields = dict(json.loads(body))
        except (TypeError, ValueError):
            raise Refusal(422, "the body must be a JSON object") from None
        if self.path == f"{API}/register":
            return self.chat.register(fields.get("username"), fields.get("password"))
        if self.path == f"{API}/login":
            return self.chat.sign_in(fields.get("username"), fields.get("password"))
        own_id = fields.get("client_message_id")
        return self.chat.send(self.signed_in(), fields.get("to_username"), fields.get("content"), own_id)

    def signed_in(self):
        user = self.chat.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if user is None:
            raise Refusal(401, "sign in first")
        return user

    def answer(self, act):
        try:
            status, told = act()
        except Refusal as refusal:
            status, told = refusal.args[0], {"detail": refusal.args[1]}
        except (redis.RedisError, pymongo.errors.PyMongoError) as error:
            status, told = 503, {"detail": f"try again: {type(error).__name__}", "outcome": "unknown"}
        self.reply(status, told)

    def reply(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Nothing to log."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(handler, port, *stores):
    handler.chat = Chat(*stores)
    Server(("127.0.0.1", int(port)), handler).serve_forever()


if __name__ == "__main__":
    serve(Handler, *sys.argv[1:])
