"""Mutants of the client: several tabs of one user."""

from functools import partial

from tests.mutants.patched_client import broken_client

_mutant = partial(broken_client, mechanism="client tabs")

_mutant(
    "both-tabs-poll",
    "Each tab of a user polls.",
    ("if (!locks || !channel) return this.#lead();", "if (locks || channel) return this.#lead();"),
    row="CLIENT-61",
    promise="paced",
)
_mutant(
    "no-one-takes-over",
    "The tab that waits does not ask for the lock: when the leading one closes, no tab polls.",
    (
        "this.#request({ signal: waiting.signal });",
        "this.#request({ ifAvailable: true });",
    ),
    (
        "() => (isOurs() ? this.#hold() : undefined)",
        "(lock) => (lock && isOurs() ? this.#hold() : undefined)",
    ),
    ("    if (this.isLeading || silenceMs <=", "    if (locksAreFinal || this.isLeading || silenceMs <="),
    ("const SILENCE_MS = 3000;", ("const SILENCE_MS = 3000;\nconst locksAreFinal = true;")),
    row="CLIENT-62",
    promise="keeps-polling",
)
_mutant(
    "answers-not-shared",
    "The leading tab keeps its answers to itself.",
    ("    this.#tabs.tell({ since: poll.since, answer });\n", ""),
    row="CLIENT-61",
    promise="shows-all",
)
