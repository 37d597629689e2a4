"""Mutants of the client: what they read, remember and hand on."""

from functools import partial

from tests.mutants.patched_client import PAGE, SERVICE, broken_client

_mutant = partial(broken_client, mechanism="client reading")

_mutant(
    "cursor-of-the-first-message",
    "The cursor is that of the first message of a page, which is the oldest.",
    ("this.#moveTo(answer.next_since ?? since)", "this.#moveTo(answer.messages[0]?.timestamp ?? since)"),
    row="CLIENT-60",
    promise="shows-once",
)
_mutant(
    "cursor-stored-first",
    "The cursor is stored before the messages are handed on, which happens a moment later.",
    (
        (
            "    for (const message of messages) {\n"
            "      if (!this.isRunning) break;\n"
            "      this.#reader.remember(message.id);\n"
            "      this.#listener.onMessage(message, () => this.isRunning);\n"
            "    }"
        ),
        (
            "    for (const { id } of messages) this.#reader.remember(id);\n"
            "    const handOn = (message) => this.#listener.onMessage(message, () => "
            "this.isRunning);\n"
            "    setTimeout(() => messages.forEach(handOn), 1000);"
        ),
    ),
    row="CLIENT-63",
    promise="shows-all",
)
_mutant(
    "cursor-lost-at-a-reload",
    "The cursor is not stored: a page that is loaded again begins without one.",
    ("if (cursor) this.#use((storage) => storage.setItem(this.#key, cursor));", ""),
    row="CLIENT-60",
    promise="shows-once",
    quick=True,
)
_mutant(
    "cursor-lost-at-a-switch",
    "What a user has read is forgotten when the page is switched to another user.",
    (
        '    last?.end("stopped");\n',
        (
            '    last?.end("stopped");\n'
            "    if (last) this.#pollers.delete(last.username);\n"
            "    last?.forget();\n"
        ),
    ),
    file=SERVICE,
    row="CLIENT-31",
    promise="shows-once",
)
_mutant(
    "everything-again-after-an-error",
    "An error resets the client: the cursor and the ids that it has seen.",
    ("if (status === 400) this.#reader.refused();", "this.#reader.reset();"),
    (
        "  refused() {",
        ("  reset() {\n    this.#cursor = null;\n    this.#seen.clear();\n  }\n\n  refused() {"),
    ),
    row="CLIENT-10",
    promise="shows-once",
)
_mutant(
    "cursor-of-a-message-sent",
    "The client answers each message, and takes the time of its own message for the cursor.",
    (
        "      this.#listener.onMessage(message, () => this.isRunning);\n",
        (
            "      this.#listener.onMessage(message, () => this.isRunning);\n"
            "      setTimeout(() => this.#answer(message), 300);\n"
        ),
    ),
    (
        ("  /** @param {string | null} cursor */\n  #moveTo(cursor) {"),
        (
            "  async #answer({ from }) {\n"
            "    const token = await this.#token();\n"
            '    const headers = { Authorization: `Bearer ${token}`, "Content-Type": '
            '"application/json" };\n'
            '    const body = JSON.stringify({ to_username: from, content: "Seen" });\n'
            '    const answer = await fetch("/api/users/messages", { method: "POST", headers, '
            "body });\n"
            "    this.#moveTo((await answer.json()).timestamp);\n"
            "  }\n"
            "\n"
            "  /** @param {string | null} cursor */\n"
            "  #moveTo(cursor) {"
        ),
    ),
    row="CLIENT-31",
    promise="shows-all",
)
_mutant(
    "time-of-the-answer-for-a-cursor",
    "The cursor is the time at which an answer came.",
    ("this.#moveTo(answer.next_since ?? since)", "this.#moveTo(new Date().toISOString())"),
    row="CLIENT-23",
    promise="shows-all",
)
_mutant(
    "cursor-moved-by-an-empty-answer",
    "An answer without messages moves the cursor to the present.",
    (
        "this.#moveTo(answer.next_since ?? since)",
        "this.#moveTo(messages.length ? answer.next_since : new Date().toISOString())",
    ),
    row="CLIENT-44",
    promise="shows-all",
)
_mutant(
    "newest-of-a-page-alone",
    "Of each page the last message alone is handed on.",
    ("for (const message of messages) {", "for (const message of messages.slice(-1)) {"),
    row="CLIENT-02",
    promise="shows-all",
)
_mutant(
    "page-ends-at-a-bad-message",
    "What follows a message that is not valid is skipped.",
    (
        "      if (!message) this.#env.console.warn",
        ("      if (!message) break;\n      if (!message) this.#env.console.warn"),
    ),
    row="CLIENT-42",
    promise="shows-all",
)
_mutant(
    "newest-first",
    "The messages of a page are handed on from the last to the first.",
    ("return [...byId.values()];", "return [...byId.values()].reverse();"),
    row="CLIENT-02",
    promise="shows-in-order",
)
_mutant(
    "text-shown-before",
    "A message with the text of an earlier one is taken for that message.",
    (
        "this.#seen.has(message.id)) byId.set(message.id,",
        "this.#seen.has(message.message)) byId.set(message.message,",
    ),
    ("this.#reader.remember(message.id);", "this.#reader.remember(message.message);"),
    row="CLIENT-01",
    promise="shows-all",
)
_mutant(
    "numbers-of-all-users",
    "Messages are told apart by their numbers, which each mailbox counts from 1 on.",
    (
        "else if (!this.#seen.has(message.id)) byId.set(message.id, message);",
        "else if (!SEEN.has(message.seq)) SEEN.add(message.seq), byId.set(message.id, message);",
    ),
    (
        "/** How far one user has read, also in earlier pages. */",
        ("const SEEN = new Set();\n\n/** How far one user has read, also in earlier pages. */"),
    ),
    row="CLIENT-31",
    promise="shows-all",
)
_mutant(
    "no-ids-remembered",
    "A message that the server gives once more is handed on once more.",
    ("else if (!this.#seen.has(message.id)) byId", "else byId"),
    row="CLIENT-43",
    promise="shows-once",
)
_mutant(
    "answer-of-the-user-before",
    "An answer that comes after a switch is handed on to the next user.",
    ("    this.#inFlight?.controller.abort();\n", ""),
    ("if (this.#inFlight !== poll) return; // stopped or replaced", ""),
    (
        "const messages = this.isRunning ? this.#reader.newOf(answer) : [];",
        "const messages = this.#reader.newOf(answer);",
    ),
    ("      if (!this.isRunning) break;\n", ""),
    (
        "this.#listener.onMessage(message, () => this.isRunning);",
        "this.#listener.onMessage(message, () => true);",
    ),
    row="CLIENT-30",
    promise="keeps-to-itself",
    quick=True,
)
_mutant(
    "mailbox-of-the-user-before",
    "After a switch the client goes on to poll the mailbox of the user before.",
    ('    last?.end("stopped");\n', ""),
    file=SERVICE,
    row="CLIENT-31",
    promise="keeps-to-itself",
)
_mutant(
    "has-more-ignored",
    "The next page is asked for at the next interval, however many there are.",
    ("if (answer.has_more &&", "if (false &&"),
    row="CLIENT-02",
    promise="catches-up",
    also={PAGE: (("intervalMs: 500,", ("intervalMs: 500,\n      limit: 10,")),)},
)
