import { Server } from "./server.mjs";
import { Tab } from "./tab.mjs";
import { equal, ok, test } from "./testing.mjs";
import { Storage, World } from "./world.mjs";

const started = (options) => {
  const tab = new Tab(options);
  tab.service.start("admin");
  return tab;
};

const fill = (tab, count, to = "admin") => {
  for (let number = 1; number <= count; number += 1) tab.server.send(to, `no. ${number}`);
};

/** The same world, server and storage, but a new page. */
const reloaded = ({ world, server, storage }) => new Tab({ world, server, storage });

test("a thousand waiting messages come at once, page by page, in order", async () => {
  const tab = new Tab();
  fill(tab, 1000);
  tab.service.start("admin");
  await tab.advance(0);
  equal(tab.messages.length, 1000);
  equal(
    tab.messages.map((message) => message.seq),
    Array.from({ length: 1000 }, (_, index) => index + 1),
  );
  equal([tab.server.requests.length, tab.server.mostInFlight], [10, 1]);
});

test("a page that says has_more but does not move the cursor is not asked for again at once", async () => {
  const tab = new Tab();
  tab.server.script = Array.from({ length: 5 }, () => (request) => ({
    body: { ...tab.server.page(request), has_more: true },
  }));
  tab.service.start("admin");
  await tab.advance(1000);
  equal(tab.server.requests.length, 1);
});

test("a page that comes twice is handed on once", async () => {
  const tab = new Tab();
  fill(tab, 3);
  const first = (request) => ({ body: tab.server.page({ ...request, since: null }) });
  tab.server.script = [first, first];
  tab.service.start("admin");
  await tab.advance(2000);
  tab.server.send("admin", "no. 4");
  await tab.advance(4000);
  equal(tab.texts, ["no. 1", "no. 2", "no. 3", "no. 4"]);
});

test("a cursor that the server sets back brings no message twice", async () => {
  const tab = new Tab();
  fill(tab, 1000);
  tab.service.start("admin");
  await tab.advance(0);
  tab.server.script = [(request) => ({ body: tab.server.page({ ...request, since: null }) })];
  await tab.advance(2000);
  equal([tab.server.requests.length, tab.messages.length], [20, 1000]);
});

test("a message that is twice in one page is handed on once", async () => {
  const tab = new Tab();
  fill(tab, 2);
  tab.server.script = [
    (request) => {
      const page = tab.server.page(request);
      return { body: { ...page, messages: [...page.messages, ...page.messages] } };
    },
  ];
  tab.service.start("admin");
  await tab.advance(0);
  equal(tab.texts, ["no. 1", "no. 2"]);
});

test("equal texts are different messages", async () => {
  const tab = new Tab();
  tab.server.send("admin", "ok");
  tab.server.send("admin", "ok");
  tab.service.start("admin");
  await tab.advance(0);
  equal(tab.texts, ["ok", "ok"]);
});

test("messages are handed on before the cursor is stored", async () => {
  const tab = new Tab();
  fill(tab, 2);
  const storedAtDelivery = [];
  tab.service.onMessage(() => storedAtDelivery.push(tab.storage.items.size));
  tab.service.start("admin");
  await tab.advance(0);
  equal(storedAtDelivery, [0, 0]);
  equal([...tab.storage.items.values()], [tab.messages[1].timestamp]);
});

test("the cursor survives a reload, for each user", async () => {
  const tab = started();
  fill(tab, 2);
  fill(tab, 1, "other");
  await tab.advance(2000);
  tab.service.start("other");
  await tab.advance(0);
  equal(tab.texts, ["no. 1", "no. 2", "no. 1"]);
  const again = reloaded(tab);
  again.server.send("admin", "new");
  again.service.start("admin");
  await again.advance(0);
  again.service.start("other");
  await again.advance(2000);
  equal(again.texts, ["new"]);
});

test("forget removes the cursor: the next page starts at the beginning", async () => {
  const tab = started();
  fill(tab, 2);
  await tab.advance(2000);
  tab.service.forget("admin");
  equal([tab.storage.items.size, tab.service.username], [0, null]);
  const again = reloaded(tab);
  again.service.start("admin");
  await again.advance(0);
  equal(again.texts, ["no. 1", "no. 2"]);
});

test("a cursor of two servers is not the same", async () => {
  const tab = started();
  fill(tab, 1);
  await tab.advance(2000);
  const other = new Tab({ ...tab, storage: tab.storage, baseUrl: "https://other" });
  other.service.start("admin");
  await other.advance(0);
  equal(other.server.requests.at(-1).since, null);
});

const broken = (failing) => {
  const storage = new Storage();
  for (const name of failing) {
    storage[name] = () => {
      throw new DOMException("no", "QuotaExceededError");
    };
  }
  return storage;
};

for (const [what, storage] of [
  ["full", broken(["setItem"])],
  ["forbidden", broken(["getItem", "setItem", "removeItem"])],
  ["missing", null],
]) {
  test(`where the storage is ${what} the cursor is kept in memory`, async () => {
    const tab = started({ storage });
    fill(tab, 2);
    await tab.advance(2000);
    tab.service.stop();
    tab.server.send("admin", "new");
    tab.service.start("admin");
    await tab.advance(4000);
    equal(tab.texts, ["no. 1", "no. 2", "new"]);
    equal(tab.said("⚠️").length, storage ? 1 : 0);
    tab.service.forget("admin");
  });
}

for (const garbage of ["", "garbage", "42", "2026-99-99T00:00:00Z", '{"cursor": 1}']) {
  test(`a stored cursor ${JSON.stringify(garbage)} is not sent`, async () => {
    const storage = new Storage();
    storage.items.set("polling::admin", garbage);
    const tab = started({ storage });
    await tab.advance(0);
    equal(tab.server.requests[0].since, null);
  });
}

test("a stored cursor is sent, whatever its offset", async () => {
  const storage = new Storage();
  storage.items.set("polling::admin", "2026-01-01T14:00:00.5+02:00");
  const tab = started({ storage });
  await tab.advance(0);
  equal(tab.server.requests[0].since, "2026-01-01T14:00:00.5+02:00");
});

test("an error neither resets nor moves the cursor", async () => {
  const tab = started();
  fill(tab, 2);
  await tab.advance(2000);
  tab.server.script = [{ status: 500 }, { status: 400 }, { text: "<html>" }, new TypeError("down")];
  await tab.advance(60_000);
  const sinces = new Set(tab.server.requests.slice(2).map((request) => request.since));
  equal([...sinces], [tab.messages[1].timestamp]);
});

const bad = [
  null,
  "text",
  {},
  { id: "", from: "a", to: "admin", message: "no id", timestamp: "2026-01-01T12:00:00Z" },
  { id: 7, from: "a", to: "admin", message: "number", timestamp: "2026-01-01T12:00:00Z" },
  { id: "x", from: "a", to: "other", message: "of another user", timestamp: "2026-01-01T12:00:00Z" },
  { id: "y", from: "a", to: "admin", message: null, timestamp: "2026-01-01T12:00:00Z" },
  { id: "z", from: "a", to: "admin", message: "when?", timestamp: "yesterday" },
];

test("a bad message is skipped with a warning, and the rest is handed on", async () => {
  const tab = new Tab();
  fill(tab, 2);
  tab.server.script = [
    (request) => {
      const page = tab.server.page(request);
      return { body: { ...page, messages: [page.messages[0], ...bad, page.messages[1]] } };
    },
  ];
  tab.service.start("admin");
  await tab.advance(2000);
  equal(tab.texts, ["no. 1", "no. 2"]);
  equal(tab.said("⚠️").length, bad.length);
  equal(tab.server.requests[1].since, tab.messages[1].timestamp);
});

test("a listener that throws or rejects stops neither the others nor the polling", async () => {
  const tab = new Tab();
  const got = [];
  tab.service.offMessage(undefined);
  tab.service.onMessage(() => {
    throw new Error("thrown");
  });
  tab.service.onMessage(async () => {
    throw new Error("rejected");
  });
  tab.service.onState(() => {
    throw new Error("thrown");
  });
  tab.service.onMessage((message) => got.push(message.message));
  tab.server.send("admin", "one");
  tab.service.start("admin");
  await tab.advance(0);
  tab.server.send("admin", "two");
  await tab.advance(2000);
  equal(got, ["one", "two"]);
  equal(tab.said("❌ A listener failed:").length, 2 + 4);
});

test("a listener cannot change a message for the others", async () => {
  const tab = new Tab();
  tab.server.send("admin", "Hello");
  tab.service.start("admin");
  await tab.advance(0);
  ok(Object.isFrozen(tab.messages[0]), "the message is frozen");
});

test("a gap is told before the messages that follow it, and once", async () => {
  const tab = new Tab();
  const events = [];
  tab.service.onMessage((message) => events.push(message.message));
  tab.service.onState((state) => state.type === "gap" && events.push("gap"));
  const withGap = (request) => ({ body: { ...tab.server.page(request), gap: true } });
  tab.server.script = [withGap, withGap, withGap];
  tab.service.start("admin");
  await tab.advance(3000);
  fill(tab, 1);
  await tab.advance(6000);
  equal(events, ["gap", "no. 1"]);
});

test("degraded is told when it begins and when it ends", async () => {
  const tab = new Tab();
  const degraded = (request) => ({ body: { ...tab.server.page(request), degraded: true } });
  tab.server.script = [undefined, degraded, degraded];
  tab.service.start("admin");
  await tab.advance(8000);
  equal(
    tab.states.filter((state) => state.type === "polling").map((state) => state.degraded),
    [false, true, false],
  );
});

test("with an answer in flight no message of one user is handed on to the next", async () => {
  const tab = new Tab();
  fill(tab, 1);
  let answer = null;
  tab.server.script = [
    (request) => new Promise((resolve) => (answer = () => resolve({ body: tab.server.page(request) }))),
  ];
  // A fetch that ignores its signal, so that the late answer does arrive.
  tab.service.start("admin");
  await tab.advance(100);
  tab.service.start("other");
  answer();
  await tab.advance(10_000);
  equal([tab.texts, tab.service.username], [[], "other"]);
  tab.service.start("admin");
  await tab.advance(1000);
  equal(tab.texts, ["no. 1"]);
});

test("an answer that arrives although its poll was stopped is not handed on", async () => {
  const world = new World();
  const server = new Server(world);
  let answer = null;
  const fetch = () =>
    new Promise(
      (resolve) =>
        (answer = () =>
          resolve({
            status: 200,
            text: async () => JSON.stringify(server.page({ username: "admin", since: null, limit: 9 })),
          })),
    );
  const tab = new Tab({ world, server, environment: { fetch } });
  server.send("admin", "late");
  tab.service.start("admin");
  await tab.advance(0);
  tab.service.stop();
  answer();
  await tab.advance(5000);
  equal([tab.texts, tab.storage.items.size], [[], 0]);
});

test("a listener that switches the user gets nothing more of the one before; coming back, nothing twice", async () => {
  const tab = new Tab();
  fill(tab, 3);
  let isFirst = true;
  tab.service.onMessage(() => {
    if (isFirst) tab.service.start("other");
    isFirst = false;
  });
  tab.service.start("admin");
  await tab.advance(5000);
  equal([tab.texts, tab.service.username], [["no. 1"], "other"]);
  tab.service.start("admin");
  await tab.advance(1000);
  equal(tab.texts, ["no. 1", "no. 2", "no. 3"]);
});

test("after a listener switched the user the listeners after it get nothing of the one before", async () => {
  const tab = new Tab();
  const got = [];
  fill(tab, 2);
  tab.service.onMessage(() => tab.service.start("other"));
  tab.service.onMessage((message) => got.push(message.message));
  tab.service.start("admin");
  await tab.advance(1000);
  equal([tab.texts, got], [["no. 1"], []]);
});

test("users that are switched to and fro get their messages once", async () => {
  const tab = new Tab();
  for (const round of [1, 2, 3]) {
    for (const username of ["admin", "other"]) {
      tab.server.send(username, `${username} ${round}`);
      tab.service.start(username);
      await tab.advance(1000);
    }
  }
  const expected = [1, 2, 3].flatMap((round) => [`admin ${round}`, `other ${round}`]);
  equal(tab.texts, expected);
});

test("a stored cursor that the server refuses is given up, and no other", async () => {
  const storage = new Storage();
  storage.setItem("polling::admin", "2026-01-01T00:00:00.123456789Z");
  const tab = new Tab({ storage });
  const refuse = (request) => (request.since ? { status: 400 } : { body: tab.server.page(request) });
  tab.server.script = [refuse, refuse];
  tab.server.send("admin", "Hello");
  tab.service.start("admin");
  await tab.advance(2500);
  equal(tab.texts, ["Hello"]);
  tab.server.script = [{ status: 400 }];
  await tab.advance(20_000);
  ok(tab.server.requests.at(-1).since, "the cursor was given up");
});
