"""The recorded history of one scenario: what clients did, what they were answered, and what was broken when.

A history is JSON Lines. Every line has `row` (the plan row it belongs to), `kind`, and `t`, the harness's own
monotonic clock in nanoseconds; nothing is ever judged by a server's clock. The kinds:

- `begin`: `format` (2; absent in files of format 1, which can still be read), `title`, `seed`, `bounds` (see
  `Bounds`), `policy` (see `harness.policy.Policy`), `semantics` (see `harness.semantics.Semantics`)
- `send`: `op`, `sender`, `recipient`, `content`, `client_message_id`, `intended` (ns), `special` (what is
  unusual about it, if anything: a few words each, such as `to oneself`)
- `sent`: `op`, `outcome`, `status`, `id`, `seq`, `timestamp`, `queued`, `replayed`, `error`,
  `stated_outcome` (the `outcome` that a 503 gave), `unreadable` (only where the status means success and the
  answer is not what the profile describes: `fields` of JSON, or of the `contract` where that is spoken, or
  its `body` is not JSON)
- `poll`: `op`, `consumer`, `reader`, `since`, `wait` (s, only if the poll asked to be held open),
  `intended`, `start` (ns), `outcome`, `status`, `messages`, `next_since`, `has_more`, `gap`, `source`,
  `degraded`, `error`, `special`, `unreadable` (as for a send); its `t` is when the answer had been read
- `attempt`: `op`, `who`, `what` (for people), `expected` (the right statuses), `start` (ns), `status`,
  `leaked` (texts in the answer that `who` must not see), `error`; its `t` is when the answer had been read
- `required`: a request without which the scenario cannot go on: `op`, `who`, `what` ('register' or 'sign
  in'), `expected` (the right statuses), `tolerated` (statuses that may be due to the harness), `start` (ns),
  `status`, `error`, `unreadable` (as for a send); its `t` is when the answer had been read
- `gave_up`: the end of a wait for something that did not happen: `of` (`traffic`, `sends`, `serving` or
  `stop`), `what` (for people), `since` (ns)
- `fault`: `name`, `store` (what is broken), `effects` (what the fault does to it, see `Effect`), and `phase`,
  one of `inject`, `active`, `heal`, `healed`
- `vitals`: `values`, the memory, connections and files in use, by name (see `harness/run/vitals.py`)
- `pressure`: the machine was too busy to measure a server (resource pressure) from `since` (ns) until its
  `t`; `waiting` (the share of that time in which something waited for a processor or the disk), `late_s` (how
  late the measurement itself was)
- `probe`: `name`, `store`, `saw`, `ms`
- `queue`: a look at a queue in Redis: `key`, `type` (as Redis calls it), `length`, `ttl_ms` (-1: none)
- `keys`: a look at all keys in Redis: `count`, `without_ttl` (how many have no TTL), `named` (the first of
  these)
- `drained`: every reader has read its mailbox to the end after the last send
- `judging`: `promises`, by which everything before this event is judged
- `note`: `text`, for people

A run that judges a client has, beside what was sent to its users:

- `begin` also has `client`: the client's `name`, its numbers (`interval_s`, `longest_back_off_s`,
  `timeout_s`, `catch_up_s`), the `promises` that it makes, and what it `has`
- `client_request`: one request of the client as the front before the server saw it: `client` (which tab or
      program), `start`, `t` (its answer's last byte was sent, or the connection was gone), `method`, `path`,
      `is_poll`, `user` (whose mailbox a poll asks for), `since`, `limit`, `wait_s`, `status` (null: none was
      sent), `script` (the misbehaviour; '' for none), `messages` (the ids in the answer, in order),
      `next_since`, `has_more`, `gap`, `retry_after_s`, `poll_after_ms`, `is_good` (a valid answer reached the
      client whole), `aborted` (by the client)
- `client_handed`: the client handed a message on: `client`, `id`, `user` (for whom it ran), `content`
- `client_told`: what the harness made the client, its browser or the server do: `client` ('' for the server),
    `did` (start, stop, switch, reload, hide, show, freeze, resume, offline, online, open_tab, close_tab,
    restart_server, heal, end), `user`
- `client_state`: a state or an error that the client reported: `client`, `type`, `error`

Three kinds belong to the whole run, not to the history of a row:

- `phase`: one phase of a test ended: `rows`, `tests` (how many tests run each of them), `when` (setup, call,
    teardown), `begin` (the `t` of the `begin` of its history, if it has one), `verdict`, `reason`, `judged`
    (the number of the `judging` event whose verdict it has, from 1 on; 0: none), `ended` (whether it was the
    last phase), `seconds` (how long it took), `measured` (in the last one: what the scenario measured, by
    name; a name ends in its unit), `screenshots` (in the last one: what each picture shows, by its file
    in the run's folder)
- `environment`: `found`, the services that a process of the run uses, by name: their `version` and `origin`
- `over`: the run ended: `finished` (nothing interrupted it), `missing` (rows that nothing ran)

A send is written before it leaves and again when it is answered, so a history cut off by `kill -9` still has
the sends that were under way: their outcome is `unknown`.
"""

from harness.history.client_events import ClientBounds, ClientRequest, ClientTold, Handed
from harness.history.effects import (
    EFFECTS,
    HARMLESS_TARGETS,
    TARGETS,
    UPSTREAM,
    Effect,
    Effects,
    named_effects,
)
from harness.history.formats import FORMAT, Event
from harness.history.history import (
    NS_PER_S,
    WATCH_PERIOD_S,
    Attempt,
    Bounds,
    FaultWindow,
    GaveUp,
    History,
    ResourcePressure,
)
from harness.history.operations import Outcome, Poll, Received, Send, Unreadable
from harness.history.reading import read_histories, read_lines
from harness.history.recorder import HistoryFile, Recorder

__all__ = [
    "EFFECTS",
    "FORMAT",
    "HARMLESS_TARGETS",
    "NS_PER_S",
    "TARGETS",
    "UPSTREAM",
    "WATCH_PERIOD_S",
    "Attempt",
    "Bounds",
    "ClientBounds",
    "ClientRequest",
    "ClientTold",
    "Effect",
    "Effects",
    "Event",
    "FaultWindow",
    "GaveUp",
    "Handed",
    "History",
    "HistoryFile",
    "Outcome",
    "Poll",
    "Received",
    "Recorder",
    "ResourcePressure",
    "Send",
    "Unreadable",
    "named_effects",
    "read_histories",
    "read_lines",
]
