// A world without real time: timers, two clocks, tabs that share locks and channels, and what the console got.

const MANY_MICROTASKS = 200;

/** Let everything happen that needs no timer. */
export async function settle() {
  for (let turn = 0; turn < MANY_MICROTASKS; turn += 1) await null;
}

export class World {
  nowMs = 1000;
  wallMs = Date.UTC(2026, 0, 1, 12);
  locks = new Locks();
  /** Whether what one tab says does not reach the others. */
  loses = () => false;
  #timers = new Map();
  #count = 0;
  #channels = new Map();

  setTimeout(run, ms) {
    this.#count += 1;
    this.#timers.set(this.#count, { run, at: this.nowMs + Math.max(ms, 0) });
    return this.#count;
  }

  clearTimeout(timer) {
    this.#timers.delete(timer);
  }

  get timers() {
    return this.#timers.size;
  }

  /** Let time pass; timers fire when they are due, one after the other. */
  async advance(ms) {
    const end = this.nowMs + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#pass(Math.max(next[1].at - this.nowMs, 0));
      this.#timers.delete(next[0]);
      next[1].run();
      await settle();
    }
    this.#pass(end - this.nowMs);
  }

  /** The machine sleeps: only the wall clock goes on, as on Linux and macOS. */
  sleep(ms) {
    this.wallMs += ms;
  }

  #pass(ms) {
    this.nowMs += ms;
    this.wallMs += ms;
  }

  #next(end) {
    const due = [...this.#timers].filter(([, timer]) => timer.at <= end);
    return due.sort(([, one], [, other]) => one.at - other.at)[0];
  }

  channel(name) {
    const channel = new Channel(this.#channels.get(name) ?? new Set(), (data) => this.loses(data));
    this.#channels.set(name, channel.all);
    return channel;
  }
}

/** A BroadcastChannel that delivers in a microtask. */
class Channel {
  onmessage = null;

  constructor(all, isLost) {
    this.all = all;
    this.isLost = isLost;
    all.add(this);
  }

  postMessage(data) {
    if (this.isLost(data)) return;
    const copy = structuredClone(data);
    for (const other of this.all) {
      if (other !== this) queueMicrotask(() => this.all.has(other) && other.onmessage?.({ data: copy }));
    }
  }

  close() {
    this.all.delete(this);
  }
}

/** Web Locks, exclusive ones: a queue for each name, `signal` and `steal`. */
class Locks {
  #held = new Map();
  #queues = new Map();

  request(name, options, use) {
    return new Promise((resolve, reject) => {
      const request = { name, use, resolve, reject };
      if (options.steal) return this.#steal(request);
      options.signal?.addEventListener("abort", () => this.#cancel(request));
      this.#queue(name).push(request);
      queueMicrotask(() => this.#grantNext(name));
      return undefined;
    });
  }

  #queue(name) {
    if (!this.#queues.has(name)) this.#queues.set(name, []);
    return this.#queues.get(name);
  }

  #cancel(request) {
    const queue = this.#queue(request.name);
    if (!queue.includes(request)) return;
    queue.splice(queue.indexOf(request), 1);
    request.reject(new DOMException("cancelled", "AbortError"));
  }

  #steal(request) {
    const loser = this.#held.get(request.name);
    this.#held.delete(request.name);
    loser?.reject(new DOMException("stolen", "AbortError"));
    queueMicrotask(() => this.#grant(request));
  }

  #grantNext(name) {
    if (!this.#held.has(name) && this.#queue(name).length) this.#grant(this.#queue(name).shift());
  }

  async #grant(request) {
    this.#held.set(request.name, request);
    request.resolve(await request.use());
    if (this.#held.get(request.name) !== request) return;
    this.#held.delete(request.name);
    this.#grantNext(request.name);
  }

  get held() {
    return this.#held.size;
  }
}

/** A document or a window that counts its listeners. */
export class Target {
  hidden = false;
  #listeners = [];

  addEventListener(type, listener) {
    this.#listeners.push({ type, listener });
  }

  removeEventListener(type, listener) {
    this.#listeners = this.#listeners.filter((one) => one.type !== type || one.listener !== listener);
  }

  dispatch(type) {
    for (const one of this.#listeners) if (one.type === type) one.listener({ type });
  }

  get listeners() {
    return this.#listeners.length;
  }
}

export class Storage {
  items = new Map();

  getItem(key) {
    return this.items.get(key) ?? null;
  }

  setItem(key, value) {
    this.items.set(key, value);
  }

  removeItem(key) {
    this.items.delete(key);
  }
}
