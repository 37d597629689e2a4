import { Tab } from "./tab.mjs";
import { between, equal, test } from "./testing.mjs";

const started = (options) => {
  const tab = new Tab(options);
  tab.service.start("admin");
  return tab;
};

/** Milliseconds between the starts of successive polls. */
const gaps = (tab) => tab.server.startedAt.slice(1).map((at, index) => at - tab.server.startedAt[index]);

test("polls are 2 s apart, start to start", async () => {
  const tab = started();
  await tab.advance(10_000);
  equal(gaps(tab), [2000, 2000, 2000, 2000, 2000]);
});

test("the interval is shortened by the smoothed round trip", async () => {
  const tab = new Tab();
  tab.server.latencyMs = 400;
  tab.service.start("admin");
  await tab.advance(8000);
  equal(gaps(tab).slice(0, 3), [1600, 1600, 1600]);
  tab.server.latencyMs = 0;
  await tab.advance(60_000);
  between(gaps(tab).at(-1), 1980, 2000);
});

test("a slow server is asked again when it has answered, never before", async () => {
  const tab = new Tab();
  tab.server.latencyMs = 5000;
  tab.service.start("admin");
  await tab.advance(30_000);
  equal(tab.server.mostInFlight, 1);
  equal(gaps(tab), [5000, 5000, 5000, 5000, 5000, 5000]);
});

test("a server that was slow and is fast again is not asked again at once", async () => {
  const tab = new Tab();
  tab.server.latencyMs = 5000;
  tab.service.start("admin");
  await tab.advance(30_000);
  tab.server.latencyMs = 0;
  await tab.advance(20_000);
  between(Math.min(...gaps(tab)), 1000, 2000);
});

test("the interval can be set, at the start and later, and takes effect at once", async () => {
  const tab = started({ intervalMs: 10_000 });
  await tab.advance(3000);
  tab.service.setInterval(5000);
  await tab.advance(7000);
  equal(gaps(tab), [5000, 5000]);
  tab.service.setInterval(1000);
  await tab.advance(2000);
  equal(gaps(tab), [5000, 5000, 1000, 1000]);
});

for (const bad of [0, -1, NaN, Infinity, "2000", null]) {
  test(`an interval of ${JSON.stringify(bad) ?? bad} (${String(bad)}) is logged and changes nothing`, async () => {
    const tab = started();
    tab.service.setInterval(bad);
    await tab.advance(4000);
    equal(gaps(tab), [2000, 2000]);
    equal(tab.said("❌").length, 1);
  });
}

for (const [given, used] of [
  [1, 100],
  [1e12, 60_000],
]) {
  test(`an interval of ${given} ms is taken as ${used}`, async () => {
    const tab = started({ intervalMs: given });
    await tab.advance(used * 3);
    equal(gaps(tab), [used, used, used]);
  });
}

test("poll_after_ms of the server wins", async () => {
  const tab = new Tab();
  tab.server.pollAfterMs = 4000;
  tab.service.start("admin");
  await tab.advance(8000);
  equal(gaps(tab), [4000, 4000]);
  tab.service.setInterval(1000);
  await tab.advance(8000);
  equal(gaps(tab), [4000, 4000, 4000, 4000]);
});

for (const bad of [0, -5, "soon", null, {}]) {
  test(`poll_after_ms ${JSON.stringify(bad)} is as if it were not there`, async () => {
    const tab = new Tab();
    tab.server.pollAfterMs = bad;
    tab.service.start("admin");
    await tab.advance(4000);
    equal(gaps(tab), [2000, 2000]);
  });
}

test("long polls: the first is plain, the next are held and follow each other", async () => {
  const tab = started({ wait: 20 });
  await tab.advance(43_000);
  equal(
    tab.server.requests.map((request) => request.wait),
    [0, 20, 20, 20],
  );
  equal(gaps(tab), [2000, 20_000, 20_000]);
});

test("a held poll is answered at once when a message comes, and followed at once", async () => {
  const tab = started({ wait: 20 });
  await tab.advance(3000);
  for (const text of ["one", "two", "three"]) {
    tab.server.send("admin", text);
    await tab.advance(1);
  }
  equal(tab.texts, ["one", "two", "three"]);
  equal(tab.server.mostInFlight, 1);
});

test("a server that does not hold polls is not asked more often", async () => {
  const tab = new Tab({ wait: 20 });
  tab.server.holdsPolls = false;
  tab.service.start("admin");
  await tab.advance(10_000);
  equal(gaps(tab), [2000, 2000, 2000, 2000, 2000]);
});

test("how long polls were held does not shorten the interval", async () => {
  const tab = started({ wait: 20 });
  await tab.advance(30_000);
  tab.server.holdsPolls = false;
  await tab.advance(22_000);
  equal(gaps(tab).slice(-4), [2000, 2000, 2000, 2000]);
});

test("an hour leaves nothing behind", async () => {
  const tab = started();
  await tab.advance(10_000);
  const before = [tab.world.timers, tab.window.listeners, tab.document.listeners];
  for (let minute = 0; minute < 60; minute += 1) {
    tab.server.send("admin", `minute ${minute}`);
    await tab.advance(60_000);
  }
  equal([tab.world.timers, tab.window.listeners, tab.document.listeners], before);
  equal(tab.messages.length, 60);
  equal(tab.server.requests.length, 1 + (3_600_000 + 10_000) / 2000);
});
