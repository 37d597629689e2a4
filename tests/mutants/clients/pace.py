"""Mutants of the client: when they poll."""

from functools import partial

from tests.mutants.patched_client import SERVICE, broken_client

_mutant = partial(broken_client, mechanism="client pace")

_mutant(
    "no-back-off",
    "After each error the client waits for its interval, however often it fails.",
    (
        "const jitter = random * Math.min(BACK_OFF_CAP_MS, BACK_OFF_BASE_MS * 2 ** this.#failures);",
        "const jitter = 0;",
    ),
    row="CLIENT-17",
    promise="paced",
)
_mutant(
    "back-off-without-jitter",
    "Clients that failed together come back together: the back-off has no random part.",
    ("const jitter = random * Math", "const jitter = 0.25 * Math"),
    row="CLIENT-17",
    promise="paced",
)
_mutant(
    "back-off-never-returns",
    "After errors the client goes on as slowly as the last one made it.",
    ("    this.#failures = 0;\n", ""),
    (
        "    return Math.min(Math.max(ms, SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS);",
        (
            "    return Math.min(Math.max(ms * 2 ** this.#failures, SHORTEST_INTERVAL_MS), "
            "LONGEST_INTERVAL_MS);"
        ),
    ),
    row="CLIENT-10",
    promise="paced",
)
_mutant(
    "too-many-answered-at-once",
    "A 429 is answered with the next poll.",
    (
        "    const delay = this.#pace.failed(error, this.#env.random());",
        (
            "    const waits = this.#pace.failed(error, this.#env.random());\n"
            '    const delay = kind === "too_many_requests" ? 1 : waits;'
        ),
    ),
    row="CLIENT-13",
    promise="paced",
)
_mutant(
    "retry-after-ignored",
    "`Retry-After` is not read.",
    ("  return Number.isNaN(ms) ? null : Math.min(", "  return true ? null : Math.min("),
    row="CLIENT-11",
    promise="paced",
    quick=True,
)
_mutant(
    "retry-after-date-ignored",
    "`Retry-After` is read in seconds alone, and not as a date.",
    ("Number(value) * 1000 : Date.parse(value) - serverNowMs", "Number(value) * 1000 : NaN"),
    row="CLIENT-12",
    promise="paced",
)
_mutant(
    "retry-after-in-milliseconds",
    "The seconds of `Retry-After` are taken for milliseconds.",
    ("Number(value) * 1000 :", "Number(value) :"),
    row="CLIENT-14",
    promise="paced",
)
_mutant(
    "servers-interval-ignored",
    "`poll_after_ms` is not read.",
    ('typeof server === "number" && server > 0 ? server : this', "this"),
    row="CLIENT-46",
    promise="paced",
)
_mutant(
    "hidden-tab-polls-fast",
    "A hidden page polls every 100 ms.",
    (
        "this.#schedule(isNextHeld ? 0 : this.#pace.untilNext());",
        "this.#schedule(this.#isHidden ? 100 : this.#pace.untilNext());",
    ),
    ("if (this.#isHidden) return hiddenWait; // its timers are slow", ""),
    row="CLIENT-50",
    promise="paced",
)
_mutant(
    "two-timers",
    "A second start adds a second timer.",
    (("  #schedule(delayMs) {\n    this.#cancelTimer();"), "  #schedule(delayMs) {"),
    (("  async #poll() {\n    this.#cancelTimer();"), ("  async #poll() {\n    this.#timer = null;")),
    (
        "    if (this.isRunning && !this.#isActive) this.#resume();",
        ("    if (this.isRunning && !this.#isActive) this.#resume();\n    else this.#schedule(200);"),
    ),
    row="CLIENT-04",
    promise="paced",
    also={
        SERVICE: (
            (
                "} else if (name !== this.username) this",
                ("} else if (name === this.username) this.#current?.start();\n    else this"),
            ),
        )
    },
)
_mutant(
    "a-poll-each-interval",
    "A poll begins at each interval, also while the one before is not answered.",
    (
        (
            "    const result = await this.#ask(poll).catch((error) => error);\n"
            "    if (this.#inFlight !== poll) return; // stopped or replaced\n"
        ),
        (
            "    this.#schedule(this.#pace.intervalMs);\n"
            "    const result = await this.#ask(poll).catch((error) => error);\n"
        ),
    ),
    row="CLIENT-23",
    promise="paced",
)
_mutant(
    "counts-from-the-answer",
    "The interval is counted from the answer, and so grows by the round trip.",
    (
        "return this.#startedAt + this.intervalMs - shorter - this.#now();",
        "return this.intervalMs;",
    ),
    row="CLIENT-25",
    promise="paced",
)
