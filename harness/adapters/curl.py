"""Sends and polls as a script of curl lines that anyone can run against a server of the same kind.

Names, tokens, cursors and secrets are variables of the shell: a request is written with a token in their
place, which then becomes the variable.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.adapters.http import Request
from harness.adapters.manners import Manner
from harness.adapters.spellings import FORM
from harness.adapters.wire import HEADER, Where, Wire
from harness.adapters.writing import Writer
from harness.secrecy import SHORTEST, secrets_known

Shown = Literal["missing", "doubled", "unordered", "numbers", "timestamps"]
"""What the script looks for in the end."""
MOST_BYTES = 30_000
LONGEST_NAME = 40
"""Longer names are used as they are: with something added they might be too long for the server."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_OWN_NAME = re.compile(r"(answer|ask|before|count|cursor|folder|header|need|next|poll|take|try|uri)")
"""How the variables and functions of the script itself begin."""
_TRY, _BASE_URL = "TRYTRY", "URLBASEURL"
_JQ = re.compile(r"(?:[A-Za-z_]\w*|\[-?\d+\])(?:\.[A-Za-z_]\w*|\[-?\d+\])*")
_NEEDS_SINGLE_QUOTES = re.compile(r'["$`\\!]')


class NoScript(ValueError):
    """Why there is no script, in a sentence."""


@dataclass(frozen=True)
class Sending:
    """One send; `is_subject`: the finding is about its message. `seen` is what the run was answered."""

    sender: str
    recipient: str
    content: str
    client_message_id: str | None
    is_subject: bool
    seen: str


@dataclass(frozen=True)
class Polling:
    """One poll of a consumer, which goes on from its own cursor; `limit` is the most messages it asks for."""

    consumer: str
    reader: str
    limit: int | None
    seen: str


@dataclass
class CurlScript:
    """Writes the script of one finding. Raise NoScript where the wire cannot be written so."""

    wire: Wire
    newest_first: bool
    title: str
    shown: Shown
    _variables: dict[str, str] = field(default_factory=dict)
    """What stands in a request, and the variable that it becomes."""
    _to_escape: set[str] = field(default_factory=set)
    """What of it can have any characters, which a URL and a form need escaped."""
    _names: dict[str, str] = field(default_factory=dict)
    """The stem of the variables of each user."""

    def text(self, steps: Sequence[Sending | Polling]) -> str:
        """Return the script. Raise NoScript."""
        self._variables |= {_TRY: "try", _BASE_URL: "BASE_URL"}
        self._writer = Writer(self.wire, has_timestamp_cursor=False)
        for user in _users(steps):
            self._know(user)
        for value, name in secrets_known().items():
            if len(value) >= SHORTEST:
                self._variables[value] = name
        consumers = dict.fromkeys(step.consumer for step in steps if isinstance(step, Polling))
        self._consumers = {consumer: number for number, consumer in enumerate(consumers, 1)}
        try:
            lines = [*self._sign_in(), *self._steps(steps), *self._ending(steps)]
            body = "\n".join([*self._opening(lines), *lines]) + "\n"
        except UnicodeEncodeError as error:
            raise NoScript("what was sent is not text that a shell can pass on") from error
        if len(body.encode(errors="replace")) > MOST_BYTES:
            raise NoScript("what was sent is too long for a script to read")
        return body

    def _know(self, user: str) -> None:
        begins = re.match(r"[a-z][a-z0-9]*", user.lower(), re.ASCII)
        stem = begins[0] if begins and not _OWN_NAME.match(begins[0]) else "user"
        others = (f"{stem}{number}" for number in itertools.count(2))
        taken = self._names.values()
        self._names[user] = stem if stem not in taken else next(it for it in others if it not in taken)

    def _opening(self, lines: Sequence[str]) -> Iterator[str]:
        yield "#!/usr/bin/env bash"
        yield from (f"# {line}" for line in self.title.splitlines())
        yield "#"
        yield "# Needs bash, curl and jq. Exits with 1 where the server shows the finding, else with 0:"
        yield "#     BASE_URL=http://127.0.0.1:8000 bash repeat.sh"
        yield "set -euo pipefail"
        yield 'need() { [ -n "${!1:-}" ] || { echo "Set $1 to $2." >&2; exit 2; }; }'
        yield "need BASE_URL 'the address of the server, such as http://127.0.0.1:8000'"
        for name in sorted({*secrets_known().values()}):
            if any(f"${{{name}}}" in line or f'"${name}"' in line for line in lines):
                yield f"need {name} 'this secret of the profile'"
        yield "folder=$(mktemp -d); answer=$folder/answer; headers=$folder/headers"
        yield "trap 'rm -r \"$folder\"' EXIT"
        yield 'touch "$folder/sent"'
        yield "ask() { # makes a request, and prints the status and the body of its answer"
        yield '  : > "$answer"'
        yield '  curl --silent --show-error --max-time 30 --output "$answer" --dump-header "$headers" \\'
        yield '    --write-out \'%{http_code} \' "$@"; cat "$answer"; echo'
        yield "}"
        yield "uri() { jq -rn --arg text \"$1\" '$text | @uri'; }"
        yield "header() {"
        yield '  grep -i "^$1:" "$headers" | tail -n 1 | cut -d : -f 2- | tr -d "\\r" | sed "s/^ *//" || true'
        yield "}"
        yield ""

    def _sign_in(self) -> Iterator[str]:
        yield "try=$(date +%s) # each try has users of its own: mailboxes keep what earlier ones sent"
        listed = {one.username for one in self.wire.user_list}
        if self.wire.users != "list":
            yield "PASSWORD=${PASSWORD:-correct horse battery staple}"
        for user, stem in self._names.items():
            is_new = self._is_new(user)
            yield f"{stem}={self._quoted(user)}{'_$try' if is_new else ''}"
            if user in listed:
                yield f"need {stem}_password 'the password of this user'"
            else:
                yield f"{stem}_password=$PASSWORD"
            if is_new and _PLAIN_NAME.fullmatch(user):
                self._variables[self._name(user)] = stem
        for user, stem in self._names.items():
            password = f"PASSWORD{stem}PASSWORD"
            self._variables[password] = f"{stem}_password"
            self._to_escape.add(password)
            fields = {"username": self._name(user), "password": password}
            if self.wire.users == "command":
                values = {"base_url": _BASE_URL, **fields}
                yield " ".join(self._quoted(word.format_map(values)) for word in self.wire.user_command)
            if self.wire.users == "endpoint":
                yield f"{self._ask(self._writer.request('register', fields))} > /dev/null"
            if self.wire.sign_in.path and self.wire.auth != "basic":
                jar = f' --cookie-jar "$folder/{stem}.cookies"' if self.wire.auth == "cookie" else ""
                yield f"{self._ask(self._writer.request('sign_in', fields))}{jar} > /dev/null"
                if self.wire.auth in ("bearer", "header"):
                    yield f"{stem}_token={_value_at(self.wire.sign_in.token, 'the token')}"
        yield ""

    def _steps(self, steps: Iterable[Sending | Polling]) -> Iterator[str]:
        for consumer, number in self._consumers.items():
            polls = [it for it in steps if isinstance(it, Polling) and it.consumer == consumer]
            yield from self._poll_functions(number, polls)
        alike = self._alike(step for step in steps if isinstance(step, Sending))
        for sender, request in alike.items():
            yield f'{self._names[sender]}_sends() {{ {self._ask(request, sender)} --data-raw "$1"; }}'
        yield ""
        for step in steps:
            if isinstance(step, Polling):
                yield f"{_poll_name(self._consumers[step.consumer], step.limit)} # {step.seen}"
                continue
            if step.is_subject:
                yield f"# {step.seen}"
            request = self._request(step)
            if step.sender in alike and request.body is not None:
                yield f"{self._names[step.sender]}_sends {self._body(request)}"
            else:
                yield self._ask(request, step.sender)
            if step.is_subject:
                yield f'{self._key_sent(step)} >> "$folder/sent"'

    def _alike(self, sends: Iterable[Sending]) -> dict[str, Request]:
        """Return the request of each sender whose sends differ in their bodies alone, without one."""
        requests: dict[str, list[Request]] = {}
        for step in sends:
            requests.setdefault(step.sender, []).append(replace(self._request(step), body=None))
        has_body = self.wire.send.body != "query"
        return {
            sender: some[0]
            for sender, some in requests.items()
            if has_body and some.count(some[0]) == len(some)
        }

    def _request(self, step: Sending) -> Request:
        manner = Manner(step.content, step.client_message_id)
        return self._writer.send(self._name(step.sender), self._name(step.recipient), manner)

    def _poll_functions(self, number: int, polls: Sequence[Polling]) -> Iterator[str]:
        """Yield what takes the answer to a poll of a consumer, and a function for each limit that it uses."""
        reader, cursor, since = polls[0].reader, f"cursor{number}", f"CURSOR{number}CURSOR"
        self._variables[since] = cursor
        self._to_escape.add(since)
        for limit in dict.fromkeys([None, *(poll.limit for poll in polls)]):
            fields = {"username": self._name(reader)} | ({} if limit is None else {"limit": limit})
            first = self._writer.request("poll", fields)
            later = self._writer.request("poll", fields | {"since": since})
            yield f"{_poll_name(number, limit)}() {{ # from the last answer's cursor on"
            yield f'  if [ -z "${cursor}" ]; then {self._ask(first, reader)}'
            yield f"  else {self._ask(later, reader)}; fi"
            yield f"  take{number}"
            yield "}"
        messages = _jq(self.wire.poll.messages or Where("@"))
        order = " | reverse" if self.newest_first else ""
        yield f"take{number}() {{"
        yield f'  jq -c \'{messages} // []{order} | .[]\' "$answer" > "$folder/page" || true'
        yield f'  cat "$folder/page" >> "$folder/arrived{number}"'
        if self.wire.poll.next_since:
            yield f"  next={_value_at(self.wire.poll.next_since, 'the cursor')}"
            yield f"  {cursor}=${{next:-${cursor}}}"
        yield "}"
        yield f'{cursor}=; : > "$folder/arrived{number}"'

    def _ending(self, steps: Sequence[Sending | Polling]) -> Iterator[str]:
        yield ""
        yield "# Until nothing new arrives:"
        for number in self._consumers.values():
            cursor = f'"$cursor{number}"'
            moved = f' && [ {cursor} != "$before" ]' if self.wire.poll.next_since else ""
            yield "for _ in {1..20}; do"
            yield f'  before={cursor}; poll{number}; [ -s "$folder/page" ]{moved} || break'
            yield "done"
        yield ""
        number = min(self._consumers.values())
        arrived = f'"$folder/arrived{number}"'
        if self.shown in ("missing", "doubled", "unordered"):
            yield f"jq -c '{self._key_of_message()}' {arrived} > \"$folder/keys\""
        if self.shown in ("missing", "doubled"):
            yield 'count=$(grep -cFxf "$folder/sent" "$folder/keys" || true)'
            yield 'echo "It was sent once, and arrived $count times."'
            yield f'[ "$count" {"-gt 0" if self.shown == "missing" else "-le 1"} ]'
        elif self.shown == "unordered":
            yield 'if [ "$(grep -Fxf "$folder/sent" "$folder/keys")" = "$(cat "$folder/sent")" ]'
            yield 'then echo "They arrived in the order in which they were sent."'
            yield 'else echo "They arrived in another order than they were sent."; exit 1; fi'
        else:
            where = self.wire.message.seq if self.shown == "numbers" else self.wire.message.timestamp
            values = f"jq -c {_quote(_jq(where))} {arrived}"
            yield f"if {values} | jq -se '. == (sort | unique)' > /dev/null"
            yield f'then echo "The {self.shown} of what arrived rise."'
            yield f'else echo "The {self.shown} of what arrived do not rise:"; {values}; exit 1; fi'

    def _key_sent(self, step: Sending) -> str:
        """Return the command that prints what the message that was just sent is found by."""
        id_ = self.wire.send.id
        if id_ and self.wire.message.id and not id_.startswith(HEADER):
            return f"jq -c '{_jq(id_)} | tostring' \"$answer\""
        return f"jq -cn {self._quoted(json.dumps(step.content))}"

    def _key_of_message(self) -> str:
        id_ = self.wire.send.id
        if id_ and self.wire.message.id and not id_.startswith(HEADER):
            return f"{_jq(self.wire.message.id)} | tostring"
        return _jq(self.wire.message.content)

    def _name(self, user: str) -> str:
        """Return what stands for a user in a request."""
        if not self._is_new(user):
            return user
        return f"USER{self._names[user]}USER" if _PLAIN_NAME.fullmatch(user) else f"{user}_{_TRY}"

    def _is_new(self, user: str) -> bool:
        """Return whether each try has a new user instead of this one, with a longer name."""
        return self.wire.users != "list" and len(user) <= LONGEST_NAME

    def _ask(self, request: Request, user: str = "") -> str:
        words = ["ask"]
        if request.method != "GET":
            words.append(f"--request {request.method}")
        words.append(self._quoted(f"{_BASE_URL}{request.target}", escaped=True))
        headers = {**self.wire.headers, **request.headers}
        words += [f"--header {self._quoted(f'{name}: {value}')}" for name, value in headers.items()]
        if user:
            words += self._credentials(user)
        if request.body is not None:
            words.append(f"--data-raw {self._body(request)}")
        return " ".join(words)

    def _body(self, request: Request) -> str:
        is_form = request.headers.get("Content-Type") == FORM
        return self._quoted((request.body or b"").decode(), escaped=is_form)

    def _credentials(self, user: str) -> list[str]:
        stem = self._names[user]
        return {
            "bearer": [f'--header "Authorization: Bearer ${stem}_token"'],
            "header": [f'--header "{self.wire.auth_header}: ${stem}_token"'],
            "basic": [f'--user "${stem}:${stem}_password"'],
            "cookie": [f'--cookie "$folder/{stem}.cookies"'],
            "none": [],
        }[self.wire.auth]

    def _quoted(self, text: str, *, escaped: bool = False) -> str:
        """Return a word of the shell, in which what stands for variables has become them."""
        pieces = re.split(f"({'|'.join(map(re.escape, self._variables))})", text)
        pieces = [piece for piece in pieces if piece]
        plain = "".join(piece for piece in pieces if piece not in self._variables)
        in_double = not _NEEDS_SINGLE_QUOTES.search(plain)
        words = []
        for piece in pieces:
            if piece not in self._variables:
                words.append(piece if in_double else _quote(piece))
                continue
            name = self._variables[piece]
            value = f'$(uri "${name}")' if escaped and piece in self._to_escape else f"${{{name}}}"
            words.append(value if in_double else f'"{value}"')
        return f'"{"".join(words)}"' if in_double else "".join(words)


def _users(steps: Iterable[Sending | Polling]) -> dict[str, None]:
    users: dict[str, None] = {}
    for step in steps:
        names = (step.reader,) if isinstance(step, Polling) else (step.sender, step.recipient)
        users |= dict.fromkeys(names)
    return users


def _poll_name(number: int, limit: int | None) -> str:
    return f"poll{number}" if limit is None else f"poll{number}_of_{limit}"


def _jq(where: Where) -> str:
    """Return a place in an answer as a filter of jq. Raise NoScript where it says more than a path."""
    if where == "@":
        return "."
    if not _JQ.fullmatch(where):
        raise NoScript(f"the profile finds a value by `{where}`, which jq does not know")
    return f".{where}"


def _value_at(where: Where, what: str) -> str:
    if not where:
        raise NoScript(f"the profile does not say where {what} is")
    if where.startswith(HEADER):
        return f"$(header {_quote(where[len(HEADER) :])})"
    return f"$(jq -r '{_jq(where)} // empty' \"$answer\")"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"
