import { Tab } from "./tab.mjs";
import { equal, ok, test } from "./testing.mjs";

const MINUTE = 60_000;
const never = () => new Promise(() => {});

const started = async (options) => {
  const tab = new Tab(options);
  tab.service.start("admin");
  await tab.advance(1000);
  return tab;
};

const polls = (tab) => tab.server.requests.length;

for (const [what, wake] of [
  ["is shown", (tab) => tab.show()],
  ["is resumed", (tab) => tab.document.dispatch("resume")],
  ["goes online", (tab) => tab.window.dispatch("online")],
]) {
  test(`a page that ${what} polls at once`, async () => {
    const tab = await started();
    wake(tab);
    await tab.advance(0);
    equal(polls(tab), 2);
    await tab.advance(2000);
    equal(polls(tab), 3);
  });

  test(`a page that ${what} polls at once also while it backs off`, async () => {
    const tab = new Tab();
    tab.server.script = Array.from({ length: 8 }, () => new TypeError("down"));
    tab.random = 0.99;
    tab.service.start("admin");
    await tab.advance(40_000);
    const before = polls(tab);
    tab.server.script = [];
    wake(tab);
    await tab.advance(0);
    equal(polls(tab), before + 1);
  });

  test(`a page that ${what} waits as long as the server asked`, async () => {
    const tab = new Tab();
    tab.server.script = [{ status: 503, headers: { "Retry-After": "5" } }];
    tab.service.start("admin");
    await tab.advance(3000);
    wake(tab);
    await tab.advance(1999);
    equal(polls(tab), 1);
    await tab.advance(1);
    equal(polls(tab), 2);
  });

  test(`a page that ${what} drops a poll that hangs`, async () => {
    const tab = new Tab();
    tab.server.script = [never];
    tab.service.start("admin");
    await tab.advance(5000);
    wake(tab);
    await tab.advance(0);
    equal([polls(tab), tab.server.inFlight, tab.server.mostInFlight], [2, 0, 1]);
    equal(tab.errors, []);
  });
}

test("an event right after a poll does not start another one beside it", async () => {
  const tab = new Tab();
  tab.server.latencyMs = 200;
  tab.service.start("admin");
  await tab.advance(100);
  for (let turn = 0; turn < 50; turn += 1) {
    tab.show();
    tab.window.dispatch("online");
  }
  await tab.advance(0);
  equal([polls(tab), tab.server.inFlight], [1, 1]);
});

test("a tab that is shown and hidden all the time polls at most four times a second, and gets its answers", async () => {
  const tab = await started();
  tab.server.latencyMs = 500;
  tab.server.send("admin", "Hello");
  for (let turn = 0; turn < 100; turn += 1) {
    tab.hide();
    tab.show();
    await tab.advance(20);
  }
  ok(polls(tab) <= 1 + 8 + 1, `${polls(tab)} polls in two seconds`);
  equal(tab.texts, ["Hello"]);
});

test("navigator.onLine and the event offline are never a reason to stop", async () => {
  const tab = await started();
  tab.window.dispatch("offline");
  tab.server.send("admin", "Hello");
  await tab.advance(2000);
  equal(tab.texts, ["Hello"]);
});

test("a hidden page holds its polls, and a message reaches it without any timer", async () => {
  const tab = await started();
  tab.hide();
  await tab.advance(2000);
  equal(tab.server.requests.at(-1).wait, 25);
  tab.server.send("admin", "Hello");
  tab.server.send("admin", "again");
  await tab.advance(0);
  equal(tab.texts, ["Hello", "again"]);
  equal(tab.server.requests.at(-1).wait, 25);
  await tab.advance(10 * MINUTE);
  ok(polls(tab) < 30, `${polls(tab)} polls in ten minutes`);
});

test("a hidden page at a server that does not hold polls keeps the interval", async () => {
  const tab = await started();
  tab.server.holdsPolls = false;
  tab.hide();
  await tab.advance(10_000);
  equal(polls(tab), 6);
});

test("a held poll is dropped for a plain one when the page is shown", async () => {
  const tab = await started();
  tab.hide();
  await tab.advance(5000);
  tab.show();
  await tab.advance(0);
  equal(
    tab.server.requests.map((request) => request.wait),
    [0, 25, 0],
  );
  equal([tab.server.inFlight, tab.errors.length], [0, 0]);
});

test("timers that run once a minute in a hidden page are not taken for sleep", async () => {
  const tab = await started();
  tab.hide();
  await tab.advance(5000);
  const before = polls(tab);
  tab.world.nowMs += 55_000;
  tab.world.wallMs += 55_000;
  await tab.advance(10);
  ok(polls(tab) <= before + 1, "one poll for the held one that ended");
  ok(!tab.server.requests[before - 1].signal.aborted || polls(tab) === before + 1, "nothing is dropped");
});

for (const [what, sleep] of [
  ["the clock of timers stands still", (tab) => tab.world.sleep(8 * 60 * MINUTE)],
  [
    "the clock of timers goes on",
    (tab) => {
      tab.world.sleep(8 * 60 * MINUTE);
      tab.world.nowMs += 8 * 60 * MINUTE;
    },
  ],
]) {
  test(`a laptop that slept polls within a second, though its request hangs (${what})`, async () => {
    const tab = await started();
    tab.server.script = [never];
    await tab.advance(1500);
    equal(tab.server.inFlight, 1);
    tab.server.send("admin", "Hello");
    sleep(tab);
    await tab.advance(1000);
    equal(tab.texts, ["Hello"]);
    equal(tab.server.mostInFlight, 1);
  });

  test(`what the server asked to wait has passed in sleep (${what})`, async () => {
    const tab = new Tab();
    tab.server.script = [{ status: 429, headers: { "Retry-After": "600" } }];
    tab.service.start("admin");
    await tab.advance(2000);
    sleep(tab);
    await tab.advance(1000);
    equal(polls(tab), 2);
  });
}

test("a wall clock that is set back changes nothing", async () => {
  const tab = await started();
  tab.world.wallMs -= 60 * MINUTE;
  await tab.advance(9000);
  equal(polls(tab), 6);
});

test("a page that is put aside leaves no request or timer, and polls at once when it is back", async () => {
  const tab = await started();
  tab.server.script = [never];
  await tab.advance(1500);
  tab.window.dispatch("pagehide");
  await tab.advance(0);
  equal([tab.server.inFlight, tab.world.timers], [0, 0]);
  await tab.advance(10 * MINUTE);
  equal(polls(tab), 2);
  tab.window.dispatch("pageshow");
  await tab.advance(0);
  equal(polls(tab), 3);
  await tab.advance(4000);
  equal(polls(tab), 5);
});

test("a frozen page comes back with any event that says so", async () => {
  for (const wake of [
    (tab) => tab.show(),
    (tab) => tab.document.dispatch("resume"),
    (tab) => tab.window.dispatch("online"),
  ]) {
    const tab = await started();
    tab.document.dispatch("freeze");
    await tab.advance(MINUTE);
    equal([polls(tab), tab.world.timers], [1, 0]);
    wake(tab);
    await tab.advance(0);
    equal(polls(tab), 2);
  }
});

test("pageshow at the first load does not poll twice", async () => {
  const tab = new Tab();
  tab.service.start("admin");
  tab.window.dispatch("pageshow");
  await tab.advance(1000);
  equal(polls(tab), 1);
});

test("no event polls after stop", async () => {
  const tab = await started();
  tab.service.stop();
  for (const type of ["online", "pageshow", "pagehide"]) tab.window.dispatch(type);
  for (const type of ["resume", "visibilitychange", "freeze"]) tab.document.dispatch(type);
  await tab.advance(MINUTE);
  equal([polls(tab), tab.world.timers], [1, 0]);
});

test("a hidden page that may not hold polls keeps the interval", async () => {
  const tab = new Tab({ hiddenWait: 0 });
  tab.document.hidden = true;
  tab.service.start("admin");
  await tab.advance(10_000);
  equal(tab.server.requests.length, 6);
});
