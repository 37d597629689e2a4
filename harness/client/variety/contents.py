"""What people write, by class. Every text is legal: not empty after trimming, not too long, valid Unicode.

Contents that a server may refuse (control characters) are sent by the rows of the security section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar


@dataclass(frozen=True)
class Around:
    """What a text can repeat: names of the two users, and other texts that the server keeps (names, ids)."""

    sender: str
    recipient: str
    kept: Sequence[str]
    longest: int
    """The most characters that a message may have."""
    turn: int = 0
    """How many texts of the class came before: the texts of a class take turns and are not drawn."""


Make = Callable[[Random, Around], str]
_T = TypeVar("_T")

SAID_BEFORE = ("ok", "See you tomorrow!", "\U0001f44d")
_NUMBERS = ("0", "-0", "1e3", "1E+2", "0.10", "-12.50", "1.0", "6.02e23", "9007199254740993", "1e400", "0x10")
_WORDS_OF_JSON = ("null", "true", "false", "NaN", "Infinity", "undefined", "None", '""', "''", "[]", "{}")
_WORDS_OF_PROTOCOLS = (
    *("ping", "PING", "pong", "ack", "heartbeat", "typing", "QUIT", "EOF", "END", "OK", "error", "/help"),
    *("/quit", "STOP", "test", "__proto__", "constructor", "admin", "deleted", "undefined", "."),
)
_JSON = (
    '{"message": "hi", "to_username": "bob"}',
    '[1, 2, {"a": null}]',
    '"in quotes"',
    '{"$set": {"seq": 1}}',
    '{"id": "1", "seq": 7, "timestamp": "2026-01-01T00:00:00Z"}',
)
_MARKUP = (
    "<b>bold</b> & <i>not</i>",
    "<!-- nobody sees this -->",
    "&lt;p&gt; &amp;amp; &#128077;",
    "<message from='a'/>",
    "**stars** _lines_ `code` [text](http://127.0.0.1/)",
    "<br>\n<br/>",
)
_ESCAPES = (
    "100 % sure, 50%41 %2B %00 %zz %",
    "a+b=c&to_username=nobody&content=other",
    "C:\\new\\table\\u0041 \\n \\\\ \\",
    "a;b,c:d|e?f#g/../h",
    "%s %d {0} {{1}} ${2} $(3) `4`",
    "=SUM(A1:A9)",
    "it's \"quoted\" 'twice' \u201cor so\u201d",
)
_CODE = (
    "'; DROP TABLE messages; --",
    '{"$gt": ""}',
    "db.messages.remove({})",
    "SELECT * FROM messages WHERE '1'='1'",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "messages:* head:{}",
)
_BLANK_LOOKING = ("\u200b", "\u200d", "\u2060", "\u00ad", "\u2800", "\u3164", "\u115f", "\u200b \u200b")
"""None of them is white space to Unicode, so a server must not trim them."""
_SINGLE = (
    *"aZ09.?-+/\\\"'&%<{",
    "\u00e9",
    "\u00df",
    "\u0130",
    "\u4f60",
    "\u05d0",
    "\U0001f642",
    "\U0001d4b3",
)
_SCRIPTS = (
    "\u4f60\u597d\uff0c\u4e16\u754c",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440",
    "\u0130stanbul I\u0131i\u0130 Stra\u00dfe STRASSE",
    "\u039f\u03b4\u03c5\u03c3\u03c3\u03b5\u03cd\u03c2 \u03c3\u03c2",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u3053\u3093\u306b\u3061\u306f\uff76\uff9e\uff21\uff22",
)
_RIGHT_TO_LEFT = (
    "\u05e9\u05dc\u05d5\u05dd, \u05e2\u05d5\u05dc\u05dd! 123",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\u202babc \u05d0\u05d1\u05d2\u202c \u2067x\u2069 \u200f",
    "\ufe8d\ufef5 \ufdf2",
)
_COMBINING = (
    "e\u0301 is not \u00e9, \u212b is not \u00c5, \ufb01 is not fi, \u00b2 is not 2",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "a\u0316\u0301\u0300 q\u0307\u0323 q\u0323\u0307",
    "z\u0335\u0321\u031b\u0358\u0300\u0301\u035c" * 3,
    "\u0301 begins with a mark",
    "\u1e9b\u0323 \u2126 \u0344 \u0958",
)
_ASTRAL = (
    "\U0001f642",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e6\U0001f1f9 \U0001f44b\U0001f3fd",
    "\U0001d4d7\U0001d4ee\U0001d4f5\U0001d4f5\U0001d4f8 \U00020bb7\U0002f800",
    "1\ufe0f\u20e3 \u2764\ufe0f \u2764\ufe0e",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
)
_PUNCTUATION = (
    "...",
    "?!",
    "---",
    "***",
    "\u2014",
    "(;",
    ":-)",
    "^_^",
    "\u00bf\u00a1",
    "#",
    "//",
    "$",
    "@",
    "=",
)
_BLANKS = ("  ", "\t", "\n", "\r\n", " \n ", "\u00a0 ", "\u3000")
_LINE_ENDS = ("\n", "\r\n", "\r", "\n\n", "\u2028", "\u2029", "\u0085")
_LINKS = ("http://127.0.0.1/a?b=1&c=%20#d", "mailto:a@example.org", "@everyone #1 !", "file:///etc/passwd")
_MOMENTS = ("2026-01-01T12:00:00.000000Z", "1970-01-01T00:00:00Z", "2026-01-01 12:00", "12:00", "1767268800")


def _one_of(texts: Sequence[str]) -> Make:
    """Return a maker of the next of these texts, which can be one that was sent before."""
    return lambda random, around: _next(texts, around)


def _new(texts: Sequence[str]) -> Make:
    """Return a maker of the next of these texts with a token after it, so that it is new."""
    return lambda random, around: f"{_next(texts, around)} {_token(random)}"


def _all_of(texts: Sequence[str]) -> Make:
    """Return a maker of all these texts in any order, and a token.

    For texts that only one way of sending damages: each message sent in that way has all of them.
    """
    return lambda random, around: " ".join((*random.sample(texts, len(texts)), _token(random)))


def _next(choices: Sequence[_T], around: Around, *, further: int = 0) -> _T:
    return choices[(around.turn + further) % len(choices)]


def _usual(random: Random, around: Around) -> str:
    return f"message {_token(random)} \u2709"


def _digits(random: Random, around: Around) -> str:
    size = _next((1, 2, 4, 6, 10, 16, 20, 40), around)
    return "".join(random.choice("0123456789") for _ in range(size))


def _number(random: Random, around: Around) -> str:
    new = f"{random.uniform(-1000, 1000):.3e}"
    return _next((*_NUMBERS, new), around)


def _spaced(random: Random, around: Around) -> str:
    """White space and line ends at both ends and inside."""
    before, inside, after = (_next(_BLANKS, around, further=place) for place in (0, 1, 3))
    return f"{before}a{inside}b {_token(random)}{after}"


def _lines(random: Random, around: Around) -> str:
    """Every way to end a line, in any order."""
    ends = random.sample(_LINE_ENDS, len(_LINE_ENDS))
    return "".join(f"line{end}" for end in ends) + _token(random)


def _longest(random: Random, around: Around) -> str:
    return _filled(random, around.longest)


def _near_a_power_of_two(random: Random, around: Around) -> str:
    """As long as columns and buffers often are; some texts have such a length only in bytes."""
    size = _next([power + more for power in (64, 128, 256, 512) for more in (-1, 0, 1)], around)
    return _filled(random, min(size, around.longest))


def _filled(random: Random, size: int) -> str:
    """Return `size` characters of one to four bytes, all equal except at the ends."""
    character = random.choice(("x", "\u00e9", "\u4f60", "\U0001f642"))
    return (_token(random) + character * size)[: size - 1] + random.choice(("x", "\U0001f642"))


def _kept(random: Random, around: Around) -> str:
    return random.choice([around.sender, around.recipient, *around.kept])


def _token(random: Random) -> str:
    return f"{random.getrandbits(64):016x}"


CONTENTS: Mapping[str, Make] = {
    "a usual text": _usual,
    "digits only": _digits,
    "a number as JSON spells it": _number,
    "a word of JSON": _one_of(_WORDS_OF_JSON),
    "a word of protocols": _one_of(_WORDS_OF_PROTOCOLS),
    "JSON": _one_of(_JSON),
    "markup": _new(_MARKUP),
    "code": _new(_CODE),
    "escapes": _all_of(_ESCAPES),
    "punctuation only": _one_of(_PUNCTUATION),
    "a link": _new(_LINKS),
    "a moment": _one_of(_MOMENTS),
    "one character": _one_of(_SINGLE),
    "what looks empty": _one_of(_BLANK_LOOKING),
    "blanks at its ends": _spaced,
    "several lines": _lines,
    "other scripts": _new(_SCRIPTS),
    "right to left": _one_of(_RIGHT_TO_LEFT),
    "combining marks": _new(_COMBINING),
    "astral characters": _one_of(_ASTRAL),
    "the longest legal text": _longest,
    "a length near a power of two": _near_a_power_of_two,
    "what was said before": _one_of(SAID_BEFORE),
    "a name or an id": _kept,
}
"""How a text of each class is made."""
USUAL = "a usual text"


def content_of(kind: str, random: Random, around: Around) -> str:
    """Return a text of this class, or the longest legal one where such a text is too long for the server."""
    text = CONTENTS[kind](random, around)
    return text if len(text) <= around.longest else _longest(random, around)
