import { Tab, twoTabs } from "./tab.mjs";
import { equal, test } from "./testing.mjs";
import { World } from "./world.mjs";

const polls = (server, from = 0) => server.startedAt.filter((at) => at > from).length;

/** Two tabs of one user, of which the first leads. */
const chatting = async (options) => {
  const tabs = twoTabs(options);
  tabs.one.service.start("admin");
  await tabs.world.advance(1000);
  tabs.other.service.start("admin");
  await tabs.world.advance(1000);
  return tabs;
};

test("one of two tabs polls for both, and both hand each message on once", async () => {
  const { world, server, one, other } = await chatting();
  const before = world.nowMs;
  for (const text of ["one", "two", "three"]) {
    server.send("admin", text);
    await world.advance(2000);
  }
  equal(
    [one.texts, other.texts],
    [
      ["one", "two", "three"],
      ["one", "two", "three"],
    ],
  );
  equal(polls(server, before), 3);
  equal(
    [one, other].map((tab) => tab.states.at(-1).leading),
    [true, false],
  );
});

test("many messages reach both tabs, in order", async () => {
  const { world, server, one, other } = await chatting({ limit: 10 });
  for (let number = 0; number < 95; number += 1) server.send("admin", `no. ${number}`);
  await world.advance(2000);
  equal(one.texts.length, 95);
  equal(other.texts, one.texts);
});

test("a tab that starts late gets by itself what the leader has had", async () => {
  const { world, server, one, other } = twoTabs();
  one.service.start("admin");
  other.storage.setItem = () => {};
  server.send("admin", "early");
  await world.advance(1000);
  other.service.start("admin");
  await world.advance(100);
  equal(other.texts, ["early"]);
  server.send("admin", "late");
  await world.advance(2000);
  equal(
    [one.texts, other.texts],
    [
      ["early", "late"],
      ["early", "late"],
    ],
  );
});

test("a tab that missed what the leader said asks once, and then listens again", async () => {
  const { world, server, one, other } = await chatting();
  world.loses = (data) => Boolean(data.answer);
  server.send("admin", "missed");
  await world.advance(2000);
  equal([one.texts, other.texts], [["missed"], []]);
  world.loses = () => false;
  await world.advance(2000);
  server.send("admin", "seen");
  const before = world.nowMs;
  await world.advance(6000);
  equal(
    [one.texts, other.texts],
    [
      ["missed", "seen"],
      ["missed", "seen"],
    ],
  );
  equal(polls(server, before), 3);
});

test("a tab that comes back gets what the leader had meanwhile", async () => {
  const { world, server, one, other } = await chatting();
  other.document.dispatch("freeze");
  server.send("admin", "missed");
  await world.advance(4000);
  other.document.dispatch("resume");
  await world.advance(0);
  equal([one.texts, other.texts], [["missed"], ["missed"]]);
});

test("a tab that is asking for itself does not ask again because of what it hears", async () => {
  const { world, server, one, other } = twoTabs();
  one.service.start("admin");
  await world.advance(1000);
  server.script = [() => new Promise(() => {})];
  other.service.start("admin");
  await world.advance(0);
  world.loses = (data) => Boolean(data.answer);
  server.send("admin", "missed");
  await world.advance(2000);
  world.loses = () => false;
  await world.advance(4000);
  equal([other.texts, server.inFlight, polls(server)], [[], 1, 5]);
  await world.advance(10_000);
  equal(other.texts, ["missed"]);
});

test("a cursor that moved before the tab led is stored when it leads", async () => {
  const world = new World();
  const request = (...parts) =>
    new Promise((resolve) => {
      world.setTimeout(() => resolve(world.locks.request(...parts)), 500);
    });
  const tab = new Tab({ world, environment: { locks: { request }, channel: (name) => world.channel(name) } });
  tab.server.send("admin", "Hello");
  tab.service.start("admin");
  await tab.advance(100);
  equal([tab.texts, tab.storage.items.size], [["Hello"], 0]);
  await tab.advance(500);
  equal(tab.storage.items.size, 1);
});

for (const [what, leave] of [
  ["stops", (tab) => tab.service.stop()],
  ["closes", (tab) => tab.window.dispatch("pagehide")],
  ["freezes", (tab) => tab.document.dispatch("freeze")],
]) {
  test(`when the leading tab ${what}, the other one polls at once`, async () => {
    const { world, server, one, other } = await chatting();
    leave(one);
    server.send("admin", "Hello");
    await world.advance(100);
    equal(other.texts, ["Hello"]);
    await world.advance(1900);
    const before = world.nowMs;
    await world.advance(10_000);
    equal(polls(server, before), 5);
  });
}

test("a leader that hangs and still holds the lock is replaced; when it is back, one of them polls", async () => {
  const { world, server, one, other } = await chatting();
  one.hang();
  await world.advance(2000);
  server.send("admin", "Hello");
  await world.advance(5000);
  equal(other.texts, ["Hello"]);
  one.unhang();
  await world.advance(5000);
  equal(one.texts, ["Hello"]);
  const before = world.nowMs;
  server.send("admin", "again");
  await world.advance(10_000);
  equal(
    [one.texts, other.texts],
    [
      ["Hello", "again"],
      ["Hello", "again"],
    ],
  );
  equal(polls(server, before), 5);
});

test("where there are no locks each tab polls for itself", async () => {
  const { world, server, one, other } = twoTabs({ environment: {} });
  one.service.start("admin");
  other.service.start("admin");
  await world.advance(1000);
  server.send("admin", "Hello");
  await world.advance(2000);
  equal([one.texts, other.texts], [["Hello"], ["Hello"]]);
});

test("where locks are forbidden each tab polls for itself", async () => {
  const locks = { request: async () => Promise.reject(new DOMException("no", "SecurityError")) };
  const tab = new Tab({ environment: { locks, channel: () => ({ postMessage() {}, close() {} }) } });
  tab.service.start("admin");
  await tab.advance(6000);
  equal(polls(tab.server), 4);
});

test("tabs of different users have nothing to do with each other", async () => {
  const { world, server, one, other } = twoTabs();
  one.service.start("admin");
  other.service.start("other");
  server.send("admin", "for admin");
  server.send("other", "for other");
  await world.advance(4000);
  equal([one.texts, other.texts], [["for admin"], ["for other"]]);
});

test("a following tab that switches its user takes nothing of the other along", async () => {
  const { world, server, one, other } = await chatting();
  other.service.start("other");
  server.send("admin", "for admin");
  await world.advance(4000);
  equal([one.texts, other.texts], [["for admin"], []]);
});

test("errors and degraded are told in both tabs", async () => {
  const { world, server, one, other } = await chatting();
  server.script = [{ status: 503 }, (request) => ({ body: { ...server.page(request), degraded: true } })];
  await world.advance(2000);
  equal(
    [one, other].map((tab) => tab.errors.map((state) => state.kind)),
    [["service_unavailable"], ["service_unavailable"]],
  );
  await world.advance(2000);
  equal(
    [one, other].map((tab) => tab.states.at(-1).degraded),
    [true, true],
  );
});

test("401 stops the leader; the other tab finds out for itself", async () => {
  const { world, server, one, other } = await chatting();
  server.script = [{ status: 401 }, { status: 401 }];
  await world.advance(5000);
  const reasons = [one, other].map((tab) => tab.states.at(-1).reason);
  equal(reasons, ["unauthorised", "unauthorised"]);
  equal([world.timers, world.locks.held], [0, 0]);
});

test("a following tab that is shown polls at once", async () => {
  const { world, server, other } = await chatting();
  await world.advance(500);
  const before = polls(server);
  other.show();
  await world.advance(0);
  equal(polls(server), before + 1);
});

test("of two hidden tabs one holds a poll, and both hand messages on without timers", async () => {
  const { world, server, one, other } = await chatting();
  one.hide();
  other.hide();
  await world.advance(5000);
  equal([server.inFlight, server.requests.at(-1).wait], [1, 25]);
  for (const text of ["one", "two"]) {
    server.send("admin", text);
    await world.advance(1);
  }
  equal([one.texts, other.texts, server.inFlight], [["one", "two"], ["one", "two"], 1]);
});

test("a hidden tab that follows does not hold the polls that it needs for itself", async () => {
  const { world, server, one, other } = twoTabs();
  one.service.start("admin");
  await world.advance(1000);
  other.hide();
  other.service.start("admin");
  await world.advance(100);
  equal([server.requests.at(-1).wait, server.inFlight], [0, 0]);
});

test("a hidden tab that comes to lead holds its next poll at once, without a timer", async () => {
  const { world, server, one } = twoTabs();
  one.hide();
  one.service.start("admin");
  await world.advance(0);
  equal(
    server.requests.map((request) => request.wait),
    [0, 25],
  );
});

test("when a hidden leading tab is slow, a tab that is shown takes over", async () => {
  const { world, server, one, other } = await chatting();
  one.hide();
  one.hang();
  await world.advance(5000);
  server.send("admin", "Hello");
  await world.advance(2000);
  equal(other.texts, ["Hello"]);
});

test("after many takeovers one tab polls, and no message is missing or twice", async () => {
  const { world, server, one, other } = await chatting();
  for (let turn = 0; turn < 50; turn += 1) {
    const [asleep] = turn % 2 ? [one] : [other];
    asleep.document.dispatch("freeze");
    await world.advance(700);
    asleep.document.dispatch("resume");
    await world.advance(700);
    server.send("admin", `no. ${turn}`);
  }
  await world.advance(3000);
  const all = Array.from({ length: 50 }, (_, turn) => `no. ${turn}`);
  equal([one.texts, other.texts], [all, all]);
  const before = world.nowMs;
  await world.advance(10_000);
  equal(polls(server, before), 5);
});

test("stop leaves no lock, timer or channel behind", async () => {
  const { world, one, other } = await chatting();
  one.service.stop();
  other.service.stop();
  await world.advance(0);
  equal([world.timers, world.locks.held], [0, 0]);
});

test("the cursor is stored once for all tabs", async () => {
  const { world, server, storage } = await chatting();
  server.send("admin", "Hello");
  await world.advance(2000);
  equal([...storage.items], [["polling::admin", server.mailbox("admin")[0].timestamp]]);
});
