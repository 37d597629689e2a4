"""The honest server, broken in one way: `broken_server.py WAY PORT REDIS_URL MONGODB_URL DATABASE`."""

import os
import secrets
import signal
import sys
import threading
import time

import honest_server
import redis
from honest_server import API, Chat, Handler, Refusal

STEP_S = 0.5
FROZEN_AFTER = 12
HTML_AT = 10


def for_ever():
    threading.Event().wait()


class HangsSignIns(Handler):
    def post(self, body):
        return for_ever() if self.path == f"{API}/login" else super().post(body)


class HangsRegistrations(Handler):
    def post(self, body):
        return for_ever() if self.path == f"{API}/register" else super().post(body)


class HangsPolls(Handler):
    def get(self):
        return for_ever() if "/poll/" in self.path else super().get()


class FreezesAfterAWhile(Handler):
    """Then every request hangs."""

    requests = 0

    def answer(self, act):
        FreezesAfterAWhile.requests += self.command == "POST"
        if FreezesAfterAWhile.requests > FROZEN_AFTER:
            for_ever()
        super().answer(act)


class FailsAtEverything(Handler):
    """But at the path that says whether it is ready."""

    def reply(self, status, told):
        super().reply(*((status, told) if self.path == "/" else (500, {"detail": "oops"})))


class IsNeverAvailable(Handler):
    def reply(self, status, told):
        super().reply(*((status, told) if self.path == "/" else (503, {"detail": "come back later"})))


class LosesEverything(Handler):
    """Every message is acked, and none is ever read."""

    def reply(self, status, told):
        if told.get("messages"):
            told |= {"messages": [], "count": 0, "next_since": None, "has_more": False}
        super().reply(status, told)


class HangsUp(Handler):
    def reply(self, status, told):
        if self.path == "/":
            super().reply(status, told)
        self.close_connection = True


class KnowsNobody(Handler):
    """Tokens are forgotten at once."""

    def signed_in(self):
        raise Refusal(401, "sign in first")


class TakesNoMessage(Handler):
    def post(self, body):
        if self.path == f"{API}/messages":
            raise Refusal(422, "content must be another one")
        return super().post(body)


class GivesNoToken(Handler):
    def reply(self, status, told):
        super().reply(status, {key: value for key, value in told.items() if key != "token"})


class DripsPolls(Handler):
    """A byte now and then, as if there were all the time in the world."""

    def reply(self, status, told):
        if "/poll/" not in self.path:
            super().reply(status, told)
            return
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000:
            self.wfile.write(bytes([byte]))
            time.sleep(STEP_S)


class PollsWithoutEnd(Handler):
    def reply(self, status, told):
        if "/poll/" not in self.path:
            super().reply(status, told)
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            self.wfile.write(b" " * 100_000)


class PollsOfNonsense(Handler):
    def reply(self, status, told):
        if told.get("messages"):
            told["messages"][0] |= {"id": {"an": "object"}, "timestamp": 5}
        super().reply(status, told)


class PollsOfNonsenseWithoutRedis(Handler):
    """Polls are right until Redis is away."""

    def reply(self, status, told):
        if "/poll/" in self.path and status == 503:
            status, told = 200, {"error": told["detail"]}
        super().reply(status, told)


class PollsOfHtmlNowAndThen(Handler):
    """One poll in twenty is answered by a page of the proxy before it, with status 200."""

    polls = 0

    def reply(self, status, told):
        PollsOfHtmlNowAndThen.polls += "/poll/" in self.path
        if "/poll/" not in self.path or PollsOfHtmlNowAndThen.polls % 20 != HTML_AT:
            super().reply(status, told)
            return
        page = b"<html>Sign in to this network</html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


class InventsMessages(Handler):
    """Beside what was sent, each mailbox has a greeting that nobody sent."""

    def reply(self, status, told):
        if told.get("messages"):
            told["messages"].append(told["messages"][-1] | {"id": "greeting", "message": "Welcome!"})
            told["count"] += 1
        super().reply(status, told)


class PromisesMore(Handler):
    def reply(self, status, told):
        super().reply(status, told | ({"has_more": True} if "has_more" in told else {}))


class NeverMovesOn(Handler):
    """Each poll brings the same, however often it is asked for what comes after it."""

    def get(self):
        self.path = self.path.partition("?")[0]
        return super().get()


class DiesWithRedis(Handler):
    def answer(self, act):
        def or_die():
            try:
                return act()
            except redis.RedisError:
                os._exit(1)

        super().answer(or_die)


class WaitsForRedis(Handler):
    """Its client has no time-out."""


class IgnoresSigterm(Handler):
    """It has to be killed."""


class StaysAway(Handler):
    """Who was there before does not serve again."""

    def get(self):
        return (503, {}) if self.path == "/" and self.chat.is_old else super().get()


class ForgetsWithoutRedis(Handler):
    """What is sent while Redis is away is accepted, and not stored."""


class ForgettingChat(Chat):
    def store(self, sender, to, content, own_id):
        if self.note(to, 0):
            return super().store(sender, to, content, own_id)
        told = {
            "id": secrets.token_hex(8),
            "seq": None,
            "timestamp": honest_server.stamp(time.time_ns() // 1000),
        }
        return told | {"message": content, "client_message_id": own_id}, False


class PatientChat(Chat):
    def __init__(self, redis_url, mongodb_url, database):
        super().__init__(redis_url, mongodb_url, database)
        self.redis = redis.Redis.from_url(redis_url, socket_timeout=None, socket_connect_timeout=None)


class OldChat(Chat):
    def __init__(self, *stores):
        super().__init__(*stores)
        self.is_old = self.users.find_one({}) is not None


class DyingChat(Chat):
    def note(self, to, seq):
        return bool(self.redis.set(f"newest:{to}", seq, ex=3600))


CHATS = {
    "WaitsForRedis": PatientChat,
    "ForgetsWithoutRedis": ForgettingChat,
    "StaysAway": OldChat,
    "DiesWithRedis": DyingChat,
}

if __name__ == "__main__":
    way, *where = sys.argv[1:]
    if way == "IgnoresSigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    honest_server.Chat = CHATS.get(way, Chat)
    honest_server.serve(globals()[way], *where)
