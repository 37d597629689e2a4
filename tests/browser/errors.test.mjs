import { Tab } from "./tab.mjs";
import { between, equal, ok, test } from "./testing.mjs";

const failing = (answers, options) => {
  const tab = new Tab(options);
  tab.server.script = [...answers];
  tab.service.start("admin");
  return tab;
};

const repeated = (answer, count) => Array.from({ length: count }, () => answer);
const never = () => new Promise(() => {});
const gaps = (tab) => tab.server.startedAt.slice(1).map((at, index) => at - tab.server.startedAt[index]);
const page = { messages: [], next_since: null, has_more: false };

for (const [what, answer, kind, status, line] of [
  [
    "503",
    { status: 503 },
    "service_unavailable",
    503,
    "❌ Polling error 503: Message service temporarily unavailable",
  ],
  ["500", { status: 500 }, "server_error", 500, "❌ Polling error 500: Server error"],
  [
    "502 with a page",
    { status: 502, text: "<html>" },
    "server_error",
    502,
    "❌ Polling error 502: Server error",
  ],
  ["429", { status: 429 }, "too_many_requests", 429, "❌ Polling error 429: Too many requests"],
  ["404", { status: 404 }, "refused", 404, "❌ Polling error 404: The server refuses this poll"],
  ["a redirect", { status: 304 }, "invalid_answer", 304, "❌ Polling error 304: Not an answer to a poll"],
  [
    "no body",
    { status: 204, text: "" },
    "invalid_answer",
    204,
    "❌ Polling error 204: Not an answer to a poll",
  ],
  [
    "HTML",
    { text: "<html>Log in</html>" },
    "invalid_answer",
    200,
    "❌ Polling error 200: Invalid answer: <html>Log in</html>",
  ],
  ["null", { text: "null" }, "invalid_answer", 200, "❌ Polling error 200: Invalid answer: null"],
  [
    "half an answer",
    { text: '{"messages": [' },
    "invalid_answer",
    200,
    '❌ Polling error 200: Invalid answer: {"messages": [',
  ],
  [
    "no messages",
    { text: '{"count": 0}' },
    "invalid_answer",
    200,
    '❌ Polling error 200: Invalid answer: {"count": 0}',
  ],
  [
    "no connection",
    new TypeError("Failed to fetch"),
    "network",
    null,
    "❌ Polling error: The server cannot be reached (TypeError: Failed to fetch)",
  ],
]) {
  test(`${what} is told as ${kind}, and polling goes on`, async () => {
    const tab = failing([answer]);
    tab.server.send("admin", "Hello");
    await tab.advance(0);
    equal(
      tab.errors.map((state) => [state.kind, state.status]),
      [[kind, status]],
    );
    equal(tab.said("❌"), [line]);
    await tab.advance(2000);
    equal(tab.texts, ["Hello"]);
    equal(tab.states.at(-1).type, "polling");
  });
}

for (const body of [
  { ...page, messages: "none" },
  { ...page, messages: { length: 0 } },
  { ...page, messages: null },
  { ...page, next_since: "tomorrow" },
  { ...page, next_since: 42 },
  { ...page, messages: [{}], next_since: null },
  { ...page, success: false },
  [],
]) {
  test(`the answer ${JSON.stringify(body)} is invalid`, async () => {
    const tab = failing([{ body }]);
    await tab.advance(0);
    equal(
      tab.errors.map((state) => state.kind),
      ["invalid_answer"],
    );
  });
}

test("an answer that never comes is a timeout, and its request is ended", async () => {
  const tab = failing([never]);
  await tab.advance(9999);
  equal(tab.errors, []);
  await tab.advance(1);
  equal(
    tab.errors.map((state) => state.kind),
    ["timeout"],
  );
  equal(tab.said("❌"), ["❌ Polling error: No answer within 10 s"]);
  ok(tab.server.requests[0].signal.aborted, "the request is ended");
  await tab.advance(2000);
  equal([tab.server.requests.length, tab.server.mostInFlight], [2, 1]);
});

test("a held poll has the time for which it may be held, and the usual time on top", async () => {
  const tab = failing([undefined, never], { wait: 20 });
  await tab.advance(2000 + 29_999);
  equal(tab.errors, []);
  await tab.advance(1);
  equal(
    tab.errors.map((state) => state.kind),
    ["timeout"],
  );
});

test("a fetch or a token that ignores its signal is given up all the same", async () => {
  let tries = 0;
  const hangs = () => {
    tries += 1;
    return new Promise(() => {});
  };
  for (const options of [{ environment: { fetch: hangs } }, { token: hangs }]) {
    tries = 0;
    const tab = new Tab(options);
    tab.service.start("admin");
    await tab.advance(15_000);
    equal([tries, tab.errors.map((state) => state.kind)], [2, ["timeout"]]);
    tab.service.stop();
    await tab.advance(0);
    equal(tab.world.timers, 0);
  }
});

test("401 stops the polling and is told once; after a new sign-in it starts again", async () => {
  const tab = failing([{ status: 401 }]);
  await tab.advance(60_000);
  equal(
    tab.states.map((state) => state.type),
    ["starting", "error", "stopped"],
  );
  equal(
    [tab.states[1].kind, tab.states[1].retryInMs, tab.states[2].reason],
    ["unauthorised", null, "unauthorised"],
  );
  equal(tab.said("❌"), ["❌ Polling error 401: Not signed in, or no longer"]);
  equal([tab.server.requests.length, tab.world.timers, tab.window.listeners], [1, 0, 0]);
  tab.service.stop();
  equal(tab.states.length, 3);
  tab.service.start("admin");
  await tab.advance(0);
  equal(tab.server.requests.length, 2);
});

test("the back-off is a random part of a limit that doubles up to 16 s, and never less than the interval", async () => {
  const tab = failing(repeated({ status: 500 }, 12), {});
  tab.random = 0.999999;
  await tab.advance(90_000);
  const limits = [2000, 4000, 8000, 16_000, 16_000, 16_000];
  for (const [index, limit] of limits.entries()) between(gaps(tab)[index], limit - 1, limit);
  const lucky = failing(repeated({ status: 500 }, 12));
  lucky.random = 0;
  await lucky.advance(20_000);
  equal(gaps(lucky), repeated(2000, 10));
});

test("clients that failed together do not come back together", async () => {
  const secondTries = [0.1, 0.5, 0.9].map(async (random) => {
    const tab = failing(repeated({ status: 500 }, 4));
    tab.random = random;
    await tab.advance(60_000);
    return tab.server.startedAt[3];
  });
  equal(new Set(await Promise.all(secondTries)).size, 3);
});

test("the first success brings the interval back to 2 s", async () => {
  const tab = failing(repeated(new TypeError("down"), 6));
  tab.random = 0.9;
  await tab.advance(70_000);
  equal(gaps(tab).slice(-3), [2000, 2000, 2000]);
  tab.server.script = [{ status: 500 }];
  await tab.advance(4000);
  between(tab.errors.at(-1).retryInMs, 1800, 2000);
});

for (const status of [429, 503]) {
  test(`Retry-After of a ${status} in seconds is honoured, with jitter on top`, async () => {
    const tab = failing([{ status, headers: { "Retry-After": "7" } }]);
    await tab.advance(7999);
    equal(tab.server.requests.length, 1);
    await tab.advance(1);
    equal(tab.server.requests.length, 2);
  });
}

test("Retry-After as a date is honoured", async () => {
  const tab = failing([{ status: 503, headers: { "Retry-After": "Thu, 01 Jan 2026 12:00:09 GMT" } }]);
  tab.random = 0;
  await tab.advance(8999);
  equal(tab.server.requests.length, 1);
  await tab.advance(1);
  equal(tab.server.requests.length, 2);
});

test("Retry-After as a date is read by the clock of the server that sent it", async () => {
  const headers = { "Retry-After": "Fri, 02 Jan 2026 00:00:09 GMT", Date: "Fri, 02 Jan 2026 00:00:00 GMT" };
  const tab = failing([{ status: 503, headers }]);
  tab.random = 0;
  await tab.advance(9000);
  equal(tab.server.requests.length, 2);
});

for (const value of ["soon", "-5", "", "Thu, 01 Jan 2015 00:00:00 GMT"]) {
  test(`Retry-After ${JSON.stringify(value)} does not make it faster than the interval`, async () => {
    const tab = failing(repeated({ status: 503, headers: { "Retry-After": value } }, 3));
    tab.random = 0;
    await tab.advance(6000);
    equal(gaps(tab), [2000, 2000, 2000]);
  });
}

test("Retry-After of a year is an hour", async () => {
  const tab = failing([{ status: 503, headers: { "Retry-After": "31536000" } }]);
  tab.random = 0;
  await tab.advance(3_600_000);
  equal(tab.server.requests.length, 2);
});

test("no event and no restart turns a 429 into a loop", async () => {
  const tab = failing(repeated({ status: 429 }, 1000));
  tab.service.onState((state) => {
    if (state.type !== "error" || tab.server.requests.length > 100) return;
    tab.service.stop();
    tab.service.start("admin");
  });
  for (let turn = 0; turn < 100; turn += 1) {
    tab.window.dispatch("online");
    tab.hide();
    tab.show();
    await tab.advance(100);
  }
  between(tab.server.requests.length, 2, 6);
});

test("an error during has_more goes on at the page that failed", async () => {
  const tab = new Tab({ limit: 2 });
  for (const text of ["one", "two", "three", "four", "five"]) tab.server.send("admin", text);
  tab.server.script = [undefined, { status: 500 }];
  tab.service.start("admin");
  await tab.advance(5000);
  equal(tab.texts, ["one", "two", "three", "four", "five"]);
});
