// @ts-check
/** Polls a mailbox and hands each message on, once and in order. docs/polling-client.md says how to use it. */
import { Poller, TOKEN_RULE, isToken } from "./polling/poller.js";

/** @import { Environment, MessageListener, Options, Rule, Settings, StateListener } from './polling/types.js' */

/** @typedef {import('./polling/types.js').Message} Message */
/** @typedef {import('./polling/types.js').State} State */

export const POLL_INTERVAL_MS = 2000;
const SHORTEST_USERNAME = 3;

/** @type {{[Name in keyof Settings]: Rule<Settings[Name]>}} */
const OPTIONS = {
  baseUrl: ["", (url) => typeof url === "string" && !/[?#]/.test(url), "a URL without ? and #"],
  token: [null, (token) => typeof token === "function" || isToken(token), `${TOKEN_RULE}, or a function`],
  intervalMs: [POLL_INTERVAL_MS, (ms) => isWithin(ms, Number.MIN_VALUE, Infinity), "a number greater than 0"],
  limit: [100, (count) => isWithin(count, 1, 100) && count % 1 === 0, "an integer from 1 to 100"],
  wait: [0, (s) => isWithin(s, 0, 25), "a number from 0 to 25"],
  hiddenWait: [25, (s) => isWithin(s, 0, 25), "a number from 0 to 25"],
  timeoutMs: [10_000, (ms) => isWithin(ms, 1, 3_600_000), "a number from 1 to 3600000"],
};

export class MessagePollingService {
  /** @type {any} */
  #settings = {};
  #env;
  /** @type {Set<MessageListener>} */
  #messageListeners = new Set();
  /** @type {Set<StateListener>} */
  #stateListeners = new Set();
  /** @type {Map<string, Poller>} also of earlier users */
  #pollers = new Map();
  /** @type {Poller | null} */
  #current = null;

  /** @param {Options} [options] */
  constructor({ environment, ...options } = {}) {
    this.#env = { ...browserEnvironment(), ...environment };
    for (const [name, [value]] of Object.entries(OPTIONS)) this.#settings[name] = value;
    for (const [name, value] of Object.entries(options)) this.#set(name, value);
    this.#settings.baseUrl = this.#settings.baseUrl.replace(/\/+$/, "");
  }

  get username() {
    return this.#current?.isRunning ? this.#current.username : null;
  }

  /**
   * Poll for this user alone. Add the listeners first.
   * @param {string} username
   * @returns {boolean} false if it is not a username
   */
  start(username) {
    const name = asUsername(username);
    if (name === null) {
      const rule = `a username must be a string of at least ${SHORTEST_USERNAME} characters`;
      this.stop();
      this.#env.console.error(`❌ Message polling cannot start: ${rule}`);
    } else if (name !== this.username) this.#switchTo(this.#pollerFor(name));
    return name !== null;
  }

  /** The cursor stays. */
  stop() {
    this.#switchTo(null);
  }

  /**
   * For signing out: remove the cursor.
   * @param {string} username
   */
  forget(username) {
    const name = asUsername(username);
    if (name === null) return;
    if (name === this.username) this.stop();
    this.#pollerFor(name).forget();
    this.#pollers.delete(name);
  }

  /**
   * The server's `poll_after_ms` wins.
   * @param {number} ms
   */
  setInterval(ms) {
    this.#set("intervalMs", ms);
    this.#current?.reschedule();
  }

  /** @param {MessageListener} listener */
  onMessage(listener) {
    this.#messageListeners.add(asFunction(listener));
  }

  /** @param {MessageListener} listener */
  offMessage(listener) {
    this.#messageListeners.delete(listener);
  }

  /** @param {StateListener} listener */
  onState(listener) {
    this.#stateListeners.add(asFunction(listener));
  }

  /** @param {StateListener} listener */
  offState(listener) {
    this.#stateListeners.delete(listener);
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  #set(name, value) {
    const [, isValid, rule] = Object.entries(OPTIONS).find(([option]) => option === name)?.[1] ?? [];
    if (!isValid) this.#env.console.error(`❌ Unknown option: ${name}`);
    else if (isValid(value)) this.#settings[name] = value;
    else if (value !== undefined) this.#env.console.error(`❌ ${name} must be ${rule}`);
  }

  /** @param {Poller | null} next */
  #switchTo(next) {
    const last = this.#current;
    this.#current = next;
    last?.end("stopped");
    if (this.#current === next && !next?.isRunning) next?.start(); // unless by a listener
  }

  /** @param {string} name */
  #pollerFor(name) {
    const poller =
      this.#pollers.get(name) ??
      new Poller(name, this.#settings, this.#env, {
        onMessage: (message, isWanted) => this.#call(this.#messageListeners, message, isWanted),
        onState: (state) => this.#call(this.#stateListeners, state),
      });
    this.#pollers.set(name, poller);
    return poller;
  }

  /**
   * One that throws, now or later, stops neither the others nor the polling.
   * @template T
   * @param {Set<(value: T) => unknown>} listeners
   * @param {T} value
   * @param {() => boolean} isWanted
   */
  #call(listeners, value, isWanted = () => true) {
    const report = (/** @type {unknown} */ error) => this.#env.console.error("❌ A listener failed:", error);
    for (const listener of [...listeners]) {
      if (!isWanted()) return;
      try {
        if (listeners.has(listener)) Promise.resolve(listener(value)).catch(report);
      } catch (error) {
        report(error);
      }
    }
  }
}

/**
 * Functions are looked up when they are called: a page may wrap them later.
 * @returns {Environment}
 */
function browserEnvironment() {
  return {
    fetch: (url, init) => fetch(url, init),
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    now: () => performance.now(),
    wallClock: () => Date.now(),
    random: () => Math.random(),
    storage: localStorageIfAllowed(),
    locks: globalThis.navigator?.locks ?? null, // https and localhost only
    channel: globalThis.BroadcastChannel ? (name) => new BroadcastChannel(name) : null,
    window: globalThis.window ?? null,
    document: globalThis.document ?? null,
    console,
  };
}

/** Where it is forbidden, naming it throws. */
function localStorageIfAllowed() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/**
 * Return it as the server spells it, or null.
 * @param {unknown} value
 */
function asUsername(value) {
  const name = typeof value === "string" ? value.trim().normalize("NFC") : "";
  const isUnicode = !/[\ud800-\udfff]/u.test(name); // a URL cannot have half a character
  return isUnicode && [...name].length >= SHORTEST_USERNAME ? name : null;
}

/**
 * @template {Function} T
 * @param {T} listener
 */
function asFunction(listener) {
  if (typeof listener !== "function") throw new TypeError("a listener must be a function");
  return listener;
}

/**
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 */
function isWithin(value, least, most) {
  return typeof value === "number" && value >= least && value <= most && value < Infinity;
}
