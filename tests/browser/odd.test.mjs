// Inputs that no careful page or server gives.
import { Tab, twoTabs } from "./tab.mjs";
import { equal, ok, test } from "./testing.mjs";
import { Storage } from "./world.mjs";

const NAMES = ["a/b/c", "50%25", "../..", "...", "a?b#c", "\u{1F600}\u{1F600}\u{1F600}", "داليا", "\u202eabc", "a b c"];

for (const name of NAMES) {
  test(`a user named ${JSON.stringify(name)} is polled for`, async () => {
    const tab = new Tab();
    tab.server.send(name, "Hello");
    tab.service.start(name);
    await tab.advance(2000);
    equal(tab.texts, ["Hello"]);
    equal([tab.server.requests[1].username, tab.server.requests[1].url.split("/").length], [name, 6]);
  });
}

test("a listener that was added twice is called once", async () => {
  const tab = new Tab();
  const texts = [];
  const listener = ({ message }) => texts.push(message);
  tab.service.onMessage(listener);
  tab.service.onMessage(listener);
  tab.server.send("admin", "Hello");
  tab.service.start("admin");
  await tab.advance(0);
  equal(texts, ["Hello"]);
  tab.service.offMessage(listener);
  tab.server.send("admin", "again");
  await tab.advance(2000);
  equal(texts, ["Hello"]);
});

test("a listener that is removed by another one is not called any more; one that is added is, from the next message", async () => {
  const tab = new Tab();
  const [removed, added] = [[], []];
  const later = ({ message }) => removed.push(message);
  const newer = ({ message }) => added.push(message);
  tab.service.onMessage(() => {
    tab.service.offMessage(later);
    tab.service.onMessage(newer);
  });
  tab.service.onMessage(later);
  for (const text of ["one", "two"]) tab.server.send("admin", text);
  tab.service.start("admin");
  await tab.advance(0);
  equal([removed, added, tab.texts], [[], ["two"], ["one", "two"]]);
});

for (const type of ["starting", "polling", "gap", "error"]) {
  test(`a listener that stops when it hears ${type} hears nothing more, and nothing is left`, async () => {
    const tab = new Tab();
    tab.server.send("admin", "Hello");
    tab.server.script = [(request) => ({ body: { ...tab.server.page(request), gap: true } })];
    if (type === "error") tab.server.script = [{ status: 503 }];
    tab.service.onState((state) => state.type === type && tab.service.stop());
    tab.service.start("admin");
    await tab.advance(10_000);
    equal(tab.states.slice(-2).map((state) => state.type), [type, "stopped"]);
    equal([tab.texts, tab.world.timers, tab.window.listeners, tab.document.listeners], [[], 0, 0, 0]);
    ok(tab.server.requests.length <= 1, "it went on polling");
  });
}

test("a listener that stops and starts again leaves one poller", async () => {
  const tab = new Tab();
  let times = 0;
  tab.service.onState(({ type }) => {
    if (type !== "starting" || (times += 1) > 1) return;
    tab.service.stop();
    tab.service.start("admin");
  });
  tab.service.start("admin");
  await tab.advance(6000);
  equal(tab.server.requests.length, 4);
  tab.service.stop();
  equal([tab.world.timers, tab.window.listeners], [0, 0]);
});

test("a listener that starts from a message hands the rest on once", async () => {
  const tab = new Tab();
  for (const text of ["one", "two", "three"]) tab.server.send("admin", text);
  tab.service.onMessage(({ message }) => {
    if (message !== "one") return;
    tab.service.stop();
    tab.service.start("admin");
  });
  tab.service.start("admin");
  await tab.advance(4000);
  equal(tab.texts, ["one", "two", "three"]);
});

test("two services for one user in one page share the polls, and each hands everything on", async () => {
  const { world, server, one, other } = twoTabs();
  for (const service of [one, other]) service.service.start("admin");
  await world.advance(3000);
  const before = server.requests.length;
  server.send("admin", "Hello");
  await world.advance(10_000);
  equal([one.texts, other.texts, server.requests.length - before], [["Hello"], ["Hello"], 5]);
});

test("the cursor does not wait for the promise of a listener", async () => {
  const tab = new Tab();
  tab.service.onMessage(() => new Promise(() => {}));
  tab.server.send("admin", "Hello");
  tab.service.start("admin");
  await tab.advance(2000);
  equal(tab.server.requests[1].since, tab.server.mailbox("admin")[0].timestamp);
});

for (const [what, change] of Object.entries({
  "of 1970": { timestamp: "1970-01-01T00:00:00Z" },
  "of 2099": { timestamp: "2099-12-31T23:59:59.999999Z" },
  "without seq": { seq: undefined },
  "with seq null": { seq: null },
  "with a seq that went back": { seq: -1 },
  "without text": { message: "" },
})) {
  test(`a message ${what} is handed on`, async () => {
    const tab = new Tab();
    tab.server.send("admin", "Hello");
    Object.assign(tab.server.mailbox("admin")[0], change);
    tab.service.start("admin");
    await tab.advance(4000);
    equal(tab.texts, [change.message ?? "Hello"]);
  });
}

test("ten thousand waiting messages come in order, each once", async () => {
  const tab = new Tab();
  const texts = Array.from({ length: 10_000 }, (_, index) => `no. ${index}`);
  for (const text of texts) tab.server.send("admin", text);
  tab.service.start("admin");
  await tab.advance(10_000);
  ok(tab.texts.join() === texts.join(), `${tab.texts.length} came, or in another order`);
});

test("a server that was reset is read on from the cursor", async () => {
  const tab = new Tab();
  tab.server.send("admin", "before");
  tab.service.start("admin");
  await tab.advance(0);
  tab.server.mailbox("admin").pop();
  await tab.advance(2000);
  tab.server.send("admin", "after");
  Object.assign(tab.server.mailbox("admin")[0], { id: "another", timestamp: "2026-02-01T00:00:00.000000Z" });
  await tab.advance(2000);
  equal(tab.texts, ["before", "after"]);
});

for (const garbage of ["[object Object]", "undefined", "-1", "2026-13-45T99:99:99Z", "x".repeat(1e6), "\0"]) {
  test(`${JSON.stringify(garbage.slice(0, 30))} under the client's key is not sent`, async () => {
    const storage = new Storage();
    storage.setItem("polling::admin", garbage);
    const tab = new Tab({ storage });
    tab.server.send("admin", "Hello");
    tab.service.start("admin");
    await tab.advance(0);
    equal([tab.server.requests[0].since, tab.texts], [null, ["Hello"]]);
  });
}

test("empty pages that say has_more and move the cursor for ever are asked for at the interval", async () => {
  const tab = new Tab();
  let second = 0;
  const moving = () => ({
    body: { messages: [], has_more: true, next_since: `2026-01-01T00:00:${String(10 + (second += 1))}Z` },
  });
  tab.server.script = Array.from({ length: 40 }, () => moving);
  tab.service.start("admin");
  await tab.advance(10_000);
  equal(tab.server.requests.length, 6);
});

for (const [text, interval] of Object.entries({ "1e999": 60_000, "1e-9": 100, "-1e999": 2000, '"100"': 2000 })) {
  test(`poll_after_ms ${text} makes an interval of ${interval} ms`, async () => {
    const tab = new Tab();
    tab.server.script = [{ text: `{"messages": [], "next_since": null, "poll_after_ms": ${text}}` }];
    tab.service.start("admin");
    await tab.advance(interval);
    equal(tab.server.startedAt.slice(0, 2).map((at) => at - tab.server.startedAt[0]), [0, interval]);
  });
}

test("NaN is not JSON: the answer is invalid, and polling goes on", async () => {
  const tab = new Tab();
  tab.server.script = [{ text: '{"messages": [], "next_since": null, "poll_after_ms": NaN}' }];
  tab.server.send("admin", "Hello");
  tab.service.start("admin");
  await tab.advance(5000);
  equal([tab.errors.map((error) => error.kind), tab.texts], [["invalid_answer"], ["Hello"]]);
});

for (const [value, ms] of [
  ...["1e3", "+5", "0x10", "-0", "Infinity", "5, 5"].map((value) => [value, 2000]),
  ["9".repeat(400), 3_600_000],
  ["Fri, 31 Dec 9999 23:59:59 GMT", 3_600_000],
]) {
  test(`after Retry-After ${value.slice(0, 30)} the next poll comes after ${ms} ms`, async () => {
    const tab = new Tab();
    tab.random = 0;
    tab.server.script = [{ status: 429, headers: { "Retry-After": value } }];
    tab.service.start("admin");
    await tab.advance(0);
    equal(tab.errors[0].retryInMs, ms);
  });
}

for (const bad of [42, {}, "two\nlines", "ключ"]) {
  test(`a token function that returns ${JSON.stringify(bad)} is an error that says so, and polling goes on`, async () => {
    const tokens = [bad, "good"];
    const tab = new Tab({ token: () => tokens.shift() });
    tab.service.start("admin");
    await tab.advance(5000);
    equal(tab.errors.map((error) => error.kind), ["refused"]);
    equal(tab.server.requests[0].headers, { Authorization: "Bearer good" });
    equal(tab.said("❌ Polling error: There is no token: ").length, 1);
  });
}
