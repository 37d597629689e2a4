import { Tab } from "./tab.mjs";
import { equal, ok, test } from "./testing.mjs";

for (const bad of [
  null,
  undefined,
  42,
  "",
  "  ",
  "ab",
  " ab ",
  "\u{1F600}\u{1F600}",
  "abc\ud800",
  {},
  ["admin"],
]) {
  test(`a username like ${JSON.stringify(bad)} is logged and nothing polls`, async () => {
    const tab = new Tab();
    equal(tab.service.start(bad), false);
    await tab.advance(10_000);
    equal(tab.server.requests, []);
    equal(tab.lines, [
      "❌ Message polling cannot start: a username must be a string of at least 3 characters",
    ]);
    equal(tab.world.timers, 0);
  });
}

test("a bad username stops the polling for the user before", async () => {
  const tab = new Tab();
  tab.service.start("admin");
  await tab.advance(0);
  tab.service.start(null);
  await tab.advance(10_000);
  equal(tab.server.requests.length, 1);
});

test("a username is trimmed, composed and escaped", async () => {
  const tab = new Tab();
  tab.service.start("  Jose\u0301+x ");
  await tab.advance(0);
  equal(tab.server.requests[0].url, "/api/users/messages/poll/Jos%C3%A9%2Bx");
});

test("a message is polled for and handed on", async () => {
  const tab = new Tab();
  tab.service.start("admin");
  await tab.advance(500);
  tab.server.send("admin", "Hello");
  await tab.advance(2000);
  equal(tab.texts, ["Hello"]);
  equal(tab.lines, ["🔄 Starting message polling for: admin", "💬 Received 1 new messages"]);
});

test("the same user twice is one poller", async () => {
  const tab = new Tab();
  tab.service.start("admin");
  tab.service.start(" admin ");
  await tab.advance(10_000);
  equal(tab.server.requests.length, 6);
  equal(tab.said("🔄").length, 1);
});

test("a base URL may end with a slash", async () => {
  for (const baseUrl of ["https://chat.example/app", "https://chat.example/app/"]) {
    const tab = new Tab({ baseUrl });
    tab.service.start("admin");
    await tab.advance(0);
    equal(tab.server.requests[0].url, "/app/api/users/messages/poll/admin");
    tab.service.stop();
  }
});

test("the token is asked for before each poll, and may be a promise", async () => {
  let count = 0;
  const tab = new Tab({ token: async (username) => `${username}-${(count += 1)}` });
  tab.service.start("admin");
  await tab.advance(2000);
  const sent = tab.server.requests.map((request) => request.headers.Authorization);
  equal(sent, ["Bearer admin-1", "Bearer admin-2"]);
});

test("a token function that throws is an error like others, and polling goes on", async () => {
  let isBroken = true;
  const token = () => {
    if (isBroken) throw new Error("no");
    return "token";
  };
  const tab = new Tab({ token });
  tab.service.start("admin");
  await tab.advance(100);
  equal(
    tab.errors.map((state) => state.kind),
    ["refused"],
  );
  isBroken = false;
  await tab.advance(2000);
  equal(tab.server.requests.length, 1);
});

test("states say what happens", async () => {
  const tab = new Tab();
  tab.service.start("admin");
  await tab.advance(6000);
  tab.service.stop();
  equal(tab.states, [
    { username: "admin", type: "starting" },
    { username: "admin", type: "polling", degraded: false, leading: true },
    { username: "admin", type: "stopped", reason: "stopped" },
  ]);
});

test("stop leaves no timer, listener, lock or request behind", async () => {
  const tab = new Tab();
  tab.server.script = [() => new Promise(() => {})];
  tab.service.start("admin");
  await tab.advance(500);
  ok(tab.document.listeners && tab.window.listeners, "it listens while it polls");
  tab.service.stop();
  await tab.advance(0);
  equal([tab.world.timers, tab.window.listeners, tab.document.listeners], [0, 0, 0]);
  equal([tab.server.inFlight, tab.server.requests[0].signal.aborted], [0, true]);
  await tab.advance(60_000);
  equal(tab.server.requests.length, 1);
  equal(tab.service.username, null);
});

test("it starts again after stop", async () => {
  const tab = new Tab();
  tab.service.start("admin");
  await tab.advance(0);
  tab.service.stop();
  tab.server.send("admin", "Hello");
  tab.service.start("admin");
  await tab.advance(500);
  equal(tab.texts, ["Hello"]);
});

test("listeners can be removed, and must be functions", async () => {
  const tab = new Tab();
  const got = [];
  const listener = (message) => got.push(message.message);
  tab.service.onMessage(listener);
  tab.server.send("admin", "one");
  tab.service.start("admin");
  await tab.advance(0);
  tab.service.offMessage(listener);
  tab.server.send("admin", "two");
  await tab.advance(2000);
  equal(got, ["one"]);
  let problem = null;
  try {
    tab.service.onState("no function");
  } catch (error) {
    problem = error.message;
  }
  equal(problem, "a listener must be a function");
});

for (const [name, value] of Object.entries({
  baseUrl: "/api?tenant=1", token: "two\nlines", intervalMs: NaN, limit: 2.5, wait: -1, hiddenWait: 1e9, timeoutMs: Infinity,
})) {
  test(`the option ${name} = ${JSON.stringify(value)} is logged, and the default is used`, async () => {
    const [bad, good] = [new Tab({ [name]: value }), new Tab()];
    for (const tab of [bad, good]) {
      tab.service.start("admin");
      await tab.advance(3000);
    }
    equal(bad.said(`❌ ${name} must be `).length, 1);
    const asked = (tab) => tab.server.requests.map(({ url, limit, wait, at, headers }) => [url, limit, wait, at, headers]);
    equal(asked(bad), asked(good));
  });
}

test("an unknown option is logged; one that is undefined is not", async () => {
  equal(new Tab({ timeout: 5, limit: undefined }).lines, ["❌ Unknown option: timeout"]);
});

test("of users that are started by a listener while another one is stopped, the last one is polled for", async () => {
  const tab = new Tab();
  tab.service.onState((state) => {
    if (state.type === "stopped" && state.username === "admin") tab.service.start("carol");
  });
  tab.service.start("admin");
  tab.service.start("bob");
  await tab.advance(5000);
  equal(tab.service.username, "carol");
  equal([...new Set(tab.server.requests.slice(-2).map((request) => request.username))], ["carol"]);
  tab.service.stop();
  equal(tab.world.timers, 0);
});
