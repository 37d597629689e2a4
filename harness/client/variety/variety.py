"""The variety of one scenario: how it sends the next message, asks the next poll, names the next user."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from harness.adapters.manners import Asked, Manner
from harness.adapters.spellings import USUAL
from harness.adapters.wire import ALL_ABILITIES, Abilities
from harness.client.variety import client_ids, contents, cursor_spellings, names
from harness.client.variety.covering import Covering
from harness.policy import Features

HELD_FOR_S = ("0.05", "0.1", "0.2", "0.25")
"""Short enough not to disturb a schedule of polls."""
LIMITS: Mapping[str, Sequence[int]] = {
    "no limit": (),
    "1": (1,),
    "2": (2,),
    "3 to 49": range(3, 50),
    "50": (50,),
    "51 to 99": range(51, 100),
    "100": (100,),
}
WAITS: Mapping[str, Sequence[str]] = {
    "no wait": (),
    "0": ("0",),
    "0 with a fraction": ("0.0", "0.000"),
    "a moment": HELD_FOR_S,
}
CONNECTIONS = ("kept", "new")
SENDERS = ("not named", "named")
RECIPIENTS = ("another", "oneself")
MORE = ("nothing more", "an unknown parameter")
_KEPT = 20
_FORMS = ("a form", "a form with %20")
_LENIENT = ("JSON with unknown fields", "JSON with nulls")
_UNICODE_NAMES = ("the shortest", "other scripts", "astral letters")
_CASE_NAMES = ("capitals", "another's in another case")


class Variety:
    """Draws from the row's seed among what the target supports. Threads may share it."""

    def __init__(
        self, seed: int, has: Features, *, longest_message: int, able: Abilities = ALL_ABILITIES
    ) -> None:
        self._random = Random(f"{seed}:variety")
        self._longest = longest_message
        self._able = able
        self._first_turn = self._random.randrange(1000)
        self._lock = threading.RLock()
        self._used: dict[str, dict[str, None]] = {}
        self._kept: list[str] = []
        self.sends = Covering(send_factors(has, able), self._random)
        self.polls = Covering(poll_factors(has, able), self._random)
        self.users = Covering({"name": user_names(has)}, self._random)

    def manner(
        self, sender: str, recipient: str, content: str | None = None, *, needs_id: bool = False
    ) -> Manner:
        """Return how the next message is sent; what is given is not drawn.

        `needs_id`: it needs a client_message_id, because it may be sent again; where the wire has none, it
        has none.
        """
        with self._lock:
            fixed = {"recipient": RECIPIENTS[sender == recipient]}
            if needs_id and self._able.client_message_ids:
                fixed["id"] = self._random.choice([kind for kind in client_ids.CLIENT_IDS if kind != "none"])
            drawn = self.sends.draw(**fixed)
            own_id = self._client_id(sender, drawn["id"])
            text = content
            if text is None:
                text = self._text(drawn["content"], sender, recipient)
            return Manner(
                content=text,
                client_message_id=own_id,
                spelling=drawn["spelling"],
                names_sender=drawn["sender"] == "named",
                new_connection=drawn["connection"] == "new",
                special=_of_send(drawn, own_id, is_given=content is not None),
            )

    def respelled(self, manner: Manner) -> Manner:
        """Return another way to send the same message, as another client of the same user would."""
        drawn = self.sends.draw()["spelling"]
        special = [words for words in manner.special if not words.startswith("sent as ")]
        return replace(manner, spelling=drawn, special=(*special, *_spelled(drawn)))

    def keep(self, text: str | None) -> None:
        """Remember a text that the server keeps: a later message can repeat it."""
        with self._lock:
            if text and text.strip():
                self._kept = [*self._kept[1 - _KEPT :], text]

    def ask(
        self, since: str | None, *, limit: int | None, wait_s: float | None, as_given: bool = False
    ) -> Asked:
        """Return how to poll from a cursor; what is given is not drawn; `as_given` keeps the spelling.

        If `wait_s` is None, a short wait or none is drawn. What the wire lacks is not asked for.
        """
        with self._lock:
            drawn = self.polls.draw(**({"cursor": cursor_spellings.AS_GIVEN} if as_given else {}))
            asked: dict[str, str] = {}
            special: list[str] = []
            if since is not None:
                asked["since"] = cursor_spellings.spelled(since, drawn["cursor"], self._random)
                special += [f"cursor: {drawn['cursor']}"] if asked["since"] != since else []
            size = self._limit(drawn["limit"]) if limit is None else limit
            if size is not None and self._able.limits:
                asked["limit"] = str(size)
                special.append(f"limit={size}")
            if (wait := self._wait(drawn["wait"], wait_s)) is not None and self._able.waits:
                asked["wait"] = wait
                special.append(f"wait={wait}")
            if drawn["more"] == MORE[1]:
                asked["_"] = str(self._random.getrandbits(40))
                special.append(MORE[1])
            is_new = drawn["connection"] == "new"
            special += ["over a new connection"] if is_new else []
            unescaped = "+:" if drawn["cursor"] == cursor_spellings.NOT_ESCAPED else ""
            order = self._random.sample(list(asked.items()), len(asked))
            return Asked(asked.get("since"), dict(order), unescaped, is_new, tuple(special))

    def cursor(self, since: str) -> str:
        """Return a cursor in any legal spelling."""
        with self._lock:
            ways = [way for way in cursor_spellings.CURSORS if way != cursor_spellings.AS_GIVEN]
            if not self._able.cursor_spellings:
                return since
            return cursor_spellings.spelled(since, self._random.choice(ways), self._random)

    def name(self, place: int, others: Sequence[str]) -> str:
        """Return the name of the next user, whose number is `place`."""
        return names.USERNAMES[self.users.draw()["name"]](names.usual_name(place), others)

    def _text(self, kind: str, sender: str, recipient: str) -> str:
        turn = self._first_turn + self.sends.values[("content", kind)]
        around = contents.Around(sender, recipient, self._kept, self._longest, turn)
        return contents.content_of(kind, self._random, around)

    def _limit(self, kind: str) -> int | None:
        values = LIMITS[kind]
        return self._random.choice(values) if values else None

    def _wait(self, kind: str, wait_s: float | None) -> str | None:
        if wait_s is None:
            return self._random.choice(WAITS[kind]) if WAITS[kind] else None
        if wait_s == 0:
            return self._random.choice(WAITS[kind]) if kind.startswith("0") else None
        return f"{wait_s:g}"

    def _client_id(self, sender: str, kind: str) -> str | None:
        """Return an id that this sender has not used, of the class or else of the usual one."""
        if kind == "none":
            return None
        used = self._used.setdefault(sender, {})
        own_id = self._first(kind, sender, used)
        while own_id is None or own_id in used:
            own_id = self._made(kind) or self._made(client_ids.USUAL_ID)
        used[own_id] = None
        return own_id

    def _first(self, kind: str, sender: str, used: Mapping[str, None]) -> str | None:
        """Return a used id of another sender or in another case, if the class asks for one."""
        known: list[str] = []
        if kind == "another sender's":
            known = [one for other, ids in self._used.items() if other != sender for one in ids]
        elif kind == "another case":
            known = [one.swapcase() for one in used if one.isascii() and one != one.swapcase()]
        known = [one for one in known if one not in used]
        return self._random.choice(known) if known else None

    def _made(self, kind: str) -> str | None:
        make = client_ids.CLIENT_IDS[kind]
        return make(self._random) if make else None


def send_factors(has: Features, able: Abilities = ALL_ABILITIES) -> dict[str, Sequence[str]]:
    """Return what can vary between sends to a server with these features."""
    left_out = [*(() if has.forms else _FORMS), *(() if has.multipart_forms else ["a multipart form"])]
    left_out += [] if has.lenient_json else _LENIENT
    return {
        "content": tuple(contents.CONTENTS),
        "spelling": tuple(way for way in able.spellings if way not in left_out) or (USUAL,),
        "id": tuple(client_ids.CLIENT_IDS) if able.client_message_ids else ("none",),
        "sender": SENDERS if able.names_sender else SENDERS[:1],
        "recipient": RECIPIENTS,
        "connection": CONNECTIONS,
    }


def poll_factors(has: Features, able: Abilities = ALL_ABILITIES) -> dict[str, Sequence[str]]:
    """Return what can vary between polls of a server with these features."""
    return {
        "limit": tuple(LIMITS) if able.limits else ("no limit",),
        "wait": tuple(WAITS) if has.held_polls and able.waits else ("no wait",),
        "cursor": tuple(cursor_spellings.CURSORS) if able.cursor_spellings else (cursor_spellings.AS_GIVEN,),
        "connection": CONNECTIONS,
        "more": MORE if has.lenient_json else MORE[:1],
    }


def user_names(has: Features) -> tuple[str, ...]:
    """Return the classes of names that a server with these features accepts."""
    left_out = [
        *(() if has.unicode_names else _UNICODE_NAMES),
        *(() if has.case_sensitive_names else _CASE_NAMES),
    ]
    left_out += [] if has.marked_names else ["dots, hyphens, + and @"]
    return tuple(kind for kind in names.USERNAMES if kind not in left_out)


def _of_send(drawn: Mapping[str, str], own_id: str | None, *, is_given: bool) -> tuple[str, ...]:
    words = [] if is_given or drawn["content"] == contents.USUAL else [f"content: {drawn['content']}"]
    words += ["to oneself"] if drawn["recipient"] == "oneself" else []
    words += _spelled(drawn["spelling"])
    if own_id is None:
        words.append("no client_message_id")
    elif drawn["id"] != client_ids.USUAL_ID:
        words.append(f"client_message_id: {drawn['id']}")
    words += ["with from_username"] if drawn["sender"] == "named" else []
    words += ["over a new connection"] if drawn["connection"] == "new" else []
    return tuple(words)


def _spelled(spelling: str) -> list[str]:
    return [] if spelling == USUAL else [f"sent as {spelling}"]
