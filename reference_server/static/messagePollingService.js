// @ts-check
/**
 * Polls one user's mailbox and hands each message on, once and in order. Copy this file and `polling/` beside it;
 * docs/polling-client.md has the rest.
 *
 *     const polling = new MessagePollingService({ token: () => sessionStorage.getItem('token') });
 *     polling.onMessage((message) => show(message));
 *     polling.onState((state) => showState(state));
 *     polling.start('admin');
 */
import { Poller } from "./polling/poller.js";

/** @import { Environment, MessageListener, Options, Settings, StateListener } from './polling/types.js' */

/** @typedef {import('./polling/types.js').Message} Message */
/** @typedef {import('./polling/types.js').State} State */

export const POLL_INTERVAL_MS = 2000;
const SHORTEST_USERNAME = 3;

export class MessagePollingService {
  /** @type {Settings} */
  #settings = {
    baseUrl: "",
    token: null,
    intervalMs: POLL_INTERVAL_MS,
    limit: 100,
    wait: 0,
    hiddenWait: 25,
    timeoutMs: 10_000,
  };
  #env;
  /** @type {Set<MessageListener>} */
  #messageListeners = new Set();
  /** @type {Set<StateListener>} */
  #stateListeners = new Set();
  /** @type {Map<string, Poller>} those of earlier users remember how far they have read */
  #pollers = new Map();

  /** @param {Options} [options] */
  constructor({ environment, intervalMs = POLL_INTERVAL_MS, ...settings } = {}) {
    Object.assign(this.#settings, settings);
    this.#settings.baseUrl = this.#settings.baseUrl.replace(/\/+$/, "");
    this.#env = { ...browserEnvironment(), ...environment };
    this.setInterval(intervalMs);
  }

  get #running() {
    return [...this.#pollers.values()].find((poller) => poller.isRunning);
  }

  /** The user who is polled for, or null. */
  get username() {
    return this.#running?.username ?? null;
  }

  /**
   * Poll for this user, and for no other from now on. Add the listeners first.
   * @param {string} username
   * @returns {boolean} false if it is not a username: that is logged, and nothing polls
   */
  start(username) {
    const name = asUsername(username);
    if (name !== null && name === this.username) return true;
    this.stop();
    if (name === null) {
      const rule = `a username must be a string of at least ${SHORTEST_USERNAME} characters`;
      this.#env.console.error(`❌ Message polling cannot start: ${rule}`);
      return false;
    }
    this.#pollerFor(name).start();
    return true;
  }

  /** Leave no timer, listener, lock or request behind. The cursor stays. */
  stop() {
    this.#running?.end("stopped");
  }

  /**
   * Stop, and remove this user's cursor: for signing out.
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
   * Change the interval. The server's `poll_after_ms` wins over it.
   * @param {number} ms
   */
  setInterval(ms) {
    if (Number.isFinite(ms) && ms > 0) this.#settings.intervalMs = ms;
    else this.#env.console.error("❌ The polling interval must be a number of milliseconds greater than 0");
    this.#running?.reschedule();
  }

  /** @param {MessageListener} listener called with each message, oldest first */
  onMessage(listener) {
    this.#messageListeners.add(asFunction(listener));
  }

  /** @param {MessageListener} listener */
  offMessage(listener) {
    this.#messageListeners.delete(listener);
  }

  /** @param {StateListener} listener called when the state changes */
  onState(listener) {
    this.#stateListeners.add(asFunction(listener));
  }

  /** @param {StateListener} listener */
  offState(listener) {
    this.#stateListeners.delete(listener);
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
   * Call every listener. One that throws, now or later, stops neither the others nor the polling.
   * @template T
   * @param {Set<(value: T) => unknown>} listeners
   * @param {T} value
   * @param {() => boolean} isWanted false once a listener has stopped the polling or switched the user
   */
  #call(listeners, value, isWanted = () => true) {
    const report = (/** @type {unknown} */ error) => this.#env.console.error("❌ A listener failed:", error);
    for (const listener of [...listeners]) {
      if (!isWanted()) return;
      try {
        Promise.resolve(listener(value)).catch(report);
      } catch (error) {
        report(error);
      }
    }
  }
}

/**
 * Return what the browser offers. Functions are looked up when they are called: a page may wrap them later.
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
    locks: globalThis.navigator?.locks ?? null, // in secure contexts only: https, and localhost
    channel: globalThis.BroadcastChannel ? (name) => new BroadcastChannel(name) : null,
    window: globalThis.window ?? null,
    document: globalThis.document ?? null,
    console,
  };
}

/** Return `localStorage`, or null: where it is forbidden, naming it throws. */
function localStorageIfAllowed() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/**
 * Return a username as the server spells it, or null.
 * @param {unknown} value
 */
function asUsername(value) {
  const name = typeof value === "string" ? value.trim().normalize("NFC") : "";
  const isUnicode = !/[\ud800-\udfff]/u.test(name); // half a character has no place in a URL
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
