"""Mutants of the client: what starts, stops and wakes them."""

from functools import partial

from tests.mutants.patched_client import PAGE, SERVICE, broken_client

_mutant = partial(broken_client, mechanism="client life")

_mutant(
    "never-begins",
    "The client polls only if it already polls.",
    (
        "if (this.isRunning && !this.#isActive) this.#resume();",
        "if (this.isRunning && this.#isActive) this.#resume();",
    ),
    row="CLIENT-04",
    promise="keeps-polling",
)
_mutant(
    "listener-that-throws-stops-it",
    "A listener that throws stops the polling.",
    (
        ("      } catch (error) {\n        report(error);\n      }"),
        ("      } catch (error) {\n        throw error;\n      }"),
    ),
    file=SERVICE,
    row="CLIENT-04",
    promise="keeps-polling",
    also={
        PAGE: (
            (
                "    polling.onState(",
                (
                    "    polling.onMessage(() => {\n"
                    '      throw new Error("This listener fails.");\n'
                    "    });\n"
                    "    polling.onState("
                ),
            ),
        )
    },
)
_mutant(
    "error-stops-it",
    "The first error ends the polling.",
    ("else if (this.#isActive && !this.#inFlight) this.#schedule(delay);", ""),
    row="CLIENT-20",
    promise="keeps-polling",
)
_mutant(
    "gives-up-after-three",
    "After three errors in a row the client gives up.",
    (
        "else if (this.#isActive && !this.#inFlight) this.#schedule(delay);",
        "else if (this.#isActive && !this.#inFlight && this.#pace.isTrying) this.#schedule(delay);",
    ),
    (
        "  get isFailing() {",
        ("  get isTrying() {\n    return this.#failures < 3;\n  }\n\n  get isFailing() {"),
    ),
    row="CLIENT-10",
    promise="keeps-polling",
)
_mutant(
    "page-of-a-proxy-stops-it",
    "An answer that is not JSON is an exception that no one handles.",
    (
        "    if (result instanceof PollingError) this.#failed(result);",
        (
            '    if (result instanceof PollingError && result.kind === "invalid_answer") throw '
            "result;\n"
            "    if (result instanceof PollingError) this.#failed(result);"
        ),
    ),
    row="CLIENT-40",
    promise="keeps-polling",
)
_mutant(
    "no-timeout",
    "The client waits for an answer for ever.",
    (
        "const timer = env.setTimeout(() => controller.abort(late), timeoutMs);",
        "const timer = env.setTimeout(() => late, timeoutMs);",
    ),
    row="CLIENT-21",
    promise="keeps-polling",
)
_mutant(
    "hidden-tab-does-not-retry",
    "While the page is hidden, a poll that failed is not repeated.",
    (
        "else if (this.#isActive && !this.#inFlight) this.#schedule(delay);",
        "else if (this.#isActive && !this.#inFlight && !this.#isHidden) this.#schedule(delay);",
    ),
    row="CLIENT-50",
    promise="keeps-polling",
)
_mutant(
    "offline-stops-it",
    "The client stops when the browser says that it is offline, and waits for the user.",
    ('    window?.[change]("online", this.#wake);', '    window?.[change]("offline", this.#suspend);'),
    row="CLIENT-53",
    promise="catches-up",
)
_mutant(
    "not-resumed",
    "A page that was frozen does not poll when it is resumed.",
    ('    document?.[change]("resume", this.#wake);\n', ""),
    row="CLIENT-51",
    promise="catches-up",
)
_mutant(
    "sleep-unnoticed",
    "After a sleep the client waits for its timers, and for the answer on the dead connection.",
    ("SLEPT_MS)) this.#wake();", "SLEPT_MS)) void 0;"),
    (
        "const timer = env.setTimeout(() => controller.abort(late), timeoutMs);",
        "const timer = env.setTimeout(() => controller.abort(late), 60_000_000);",
    ),
    row="CLIENT-52",
    promise="catches-up",
)
_mutant(
    "stop-leaves-the-timer",
    "`stop` does not cancel the timer.",
    (
        ("    this.#abandon();\n    this.#cancelTimer();\n    this.#env.clearTimeout(this.#ticker);"),
        ("    this.#abandon();\n    this.#env.clearTimeout(this.#ticker);"),
    ),
    row="CLIENT-03",
    promise="lets-go",
)
_mutant(
    "stop-leaves-the-request",
    "`stop` lets the request go on, and hands on what it brings.",
    (("    this.#inFlight?.controller.abort();\n    this.#inFlight = null;"), ""),
    (
        "const messages = this.isRunning ? this.#reader.newOf(answer) : [];",
        "const messages = this.#reader.newOf(answer);",
    ),
    ("      if (!this.isRunning) break;\n", ""),
    (
        "this.#listener.onMessage(message, () => this.isRunning);",
        "this.#listener.onMessage(message, () => true);",
    ),
    row="CLIENT-03",
    promise="lets-go",
)
_mutant(
    "listeners-left",
    "`stop` leaves the listeners of the page: a page that is shown again polls again.",
    ('    this.#listen("removeEventListener");\n', ""),
    row="CLIENT-05",
    promise="lets-go",
)
