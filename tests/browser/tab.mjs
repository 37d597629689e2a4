import { MessagePollingService } from "../../reference_server/static/messagePollingService.js";
import { Server } from "./server.mjs";
import { Storage, Target, World } from "./world.mjs";

/** One tab: a service in an environment of fakes, and everything that it handed on or said. */
export class Tab {
  messages = [];
  states = [];
  lines = [];
  window = new Target();
  document = new Target();
  random = 0.5;

  constructor({ world, server, storage = new Storage(), environment = {}, ...options } = {}) {
    this.world = world ?? new World();
    this.server = server ?? new Server(this.world);
    this.storage = storage;
    this.service = new MessagePollingService({
      environment: { ...this.#environment(), ...environment },
      ...options,
    });
    this.service.onMessage((message) => this.messages.push(message));
    this.service.onState((state) => this.states.push(state));
  }

  #environment() {
    const { world, server, storage, window, document } = this;
    const log = (...parts) => this.lines.push(parts.join(" "));
    return {
      fetch: server.fetch,
      setTimeout: (run, ms) => this.#setTimeout(run, ms),
      clearTimeout: (timer) => world.clearTimeout(timer),
      now: () => world.nowMs,
      wallClock: () => world.wallMs,
      random: () => this.random,
      storage,
      locks: null,
      channel: null,
      window,
      document,
      console: { log, warn: log, error: log },
    };
  }

  #setTimeout = (run, ms) => this.world.setTimeout(run, ms);

  /** Nothing of this tab runs for a while, and no event says so. */
  hang() {
    this.parked = [];
    this.#setTimeout = (run, ms) =>
      this.world.setTimeout(() => (this.parked ? this.parked.push(run) : run()), ms);
  }

  unhang() {
    const parked = this.parked;
    this.parked = null;
    for (const run of parked) run();
  }

  /** Let time pass. */
  advance(ms) {
    return this.world.advance(ms);
  }

  get texts() {
    return this.messages.map((message) => message.message);
  }

  get errors() {
    return this.states.filter((state) => state.type === "error");
  }

  said(start) {
    return this.lines.filter((line) => line.startsWith(start));
  }

  hide() {
    this.document.hidden = true;
    this.document.dispatch("visibilitychange");
  }

  show() {
    this.document.hidden = false;
    this.document.dispatch("visibilitychange");
  }
}

/** Two tabs of one browser: one storage, one set of locks and channels. */
export function twoTabs(options = {}) {
  const world = new World();
  const server = new Server(world);
  const storage = new Storage();
  const environment = { locks: world.locks, channel: (name) => world.channel(name) };
  const tab = () => new Tab({ world, server, storage, environment, ...options });
  return { world, server, storage, one: tab(), other: tab() };
}
