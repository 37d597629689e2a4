// @ts-check
/**
 * Polls a mailbox and hands each message on, once and in order. Copy this file and the folder `polling/` beside it;
 * docs/polling-client.md says what it promises.
 *
 *     const polling = new MessagePollingService({ token: () => sessionStorage.getItem('token') });
 *     polling.onMessage((message) => show(message));
 *     polling.onState((state) => showState(state));
 *     polling.start('admin');
 */
import { browserEnvironment } from './polling/environment.js';
import { Poller } from './polling/poller.js';
import { Reader } from './polling/reader.js';

/**
 * @typedef {import('./polling/answers.js').Message} Message
 * @typedef {import('./polling/answers.js').ErrorKind} ErrorKind
 * @typedef {import('./polling/environment.js').Environment} Environment
 * @typedef {import('./polling/poller.js').Settings} Settings
 * @typedef {import('./polling/poller.js').State} State
 * @typedef {(message: Readonly<Message>) => unknown} MessageListener
 * @typedef {(state: State) => unknown} StateListener
 */

export const POLL_INTERVAL_MS = 2000;
const SHORTEST_USERNAME = 3;

/** @type {Settings} */
const DEFAULTS = {
  baseUrl: '',
  token: null,
  intervalMs: POLL_INTERVAL_MS,
  limit: 100,
  wait: 0,
  hiddenWait: 25,
  timeoutMs: 10_000,
};

export class MessagePollingService {
  #settings;
  #env;
  /** @type {Set<MessageListener>} */
  #messageListeners = new Set();
  /** @type {Set<StateListener>} */
  #stateListeners = new Set();
  /** @type {Map<string, Reader>} */
  #readers = new Map();
  /** @type {Poller | null} */
  #poller = null;

  /** @param {Partial<Settings> & {environment?: Partial<Environment>}} [options] */
  constructor({ environment, ...settings } = {}) {
    this.#settings = { ...DEFAULTS, ...settings, intervalMs: POLL_INTERVAL_MS };
    this.#env = { ...browserEnvironment(), ...environment };
    this.setInterval(settings.intervalMs ?? POLL_INTERVAL_MS);
  }

  /** Who is polled for, or null. */
  get username() {
    return this.#poller && !this.#poller.isEnded ? this.#poller.username : null;
  }

  /**
   * Poll for a user, and for nobody else from now on. Register the listeners first.
   * @param {string} username
   * @returns {boolean} false if this cannot be a username: that is logged, and nothing polls
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
    this.#poller = this.#pollerFor(name);
    this.#poller.start();
    return true;
  }

  /** Leave no timer, listener, lock or request behind. The cursor stays. */
  stop() {
    this.#poller?.end('stopped');
    this.#poller = null;
  }

  /** Stop, and remove a user's cursor from the storage: for signing out. @param {string} username */
  forget(username) {
    const name = asUsername(username);
    if (name === null) return;
    if (name === this.username) this.stop();
    this.#readerFor(name).forget();
    this.#readers.delete(name);
  }

  /** Change the interval. The server's `poll_after_ms` wins over it. @param {number} ms */
  setInterval(ms) {
    if (!Number.isFinite(ms) || ms <= 0) {
      this.#env.console.error('❌ The polling interval must be a number of milliseconds greater than 0');
      return;
    }
    this.#settings.intervalMs = ms;
    this.#poller?.reschedule();
  }

  /** @param {MessageListener} listener called with each message, oldest first */
  onMessage(listener) {
    this.#messageListeners.add(asFunction(listener));
  }

  /** @param {MessageListener} listener */
  offMessage(listener) {
    this.#messageListeners.delete(listener);
  }

  /** @param {StateListener} listener called whenever the state changes */
  onState(listener) {
    this.#stateListeners.add(asFunction(listener));
  }

  /** @param {StateListener} listener */
  offState(listener) {
    this.#stateListeners.delete(listener);
  }

  /** @param {string} name */
  #pollerFor(name) {
    return new Poller(name, this.#settings, this.#env, this.#readerFor(name), {
      onMessage: (message, isWanted) => this.#call(this.#messageListeners, message, isWanted),
      onState: (state) => this.#call(this.#stateListeners, state, () => true),
    });
  }

  /** @param {string} name */
  #readerFor(name) {
    const reader = this.#readers.get(name) ?? new Reader(name, this.#settings.baseUrl, this.#env);
    this.#readers.set(name, reader);
    return reader;
  }

  /**
   * Call every listener. One that throws, now or later, stops neither the others nor the polling.
   * @template T
   * @param {Set<(value: T) => unknown>} listeners
   * @param {T} value
   * @param {() => boolean} isWanted false once a listener stopped the polling or switched the user
   */
  #call(listeners, value, isWanted) {
    const report = (/** @type {unknown} */ error) => this.#env.console.error('❌ A listener failed:', error);
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
 * Return a username in the form in which the server keeps it, or null.
 * @param {unknown} value
 */
function asUsername(value) {
  const name = typeof value === 'string' ? value.trim().normalize('NFC') : '';
  const isEncodable = !/[\ud800-\udfff]/u.test(name); // half a character cannot be put into a URL
  return isEncodable && [...name].length >= SHORTEST_USERNAME ? name : null;
}

/**
 * @template {Function} T
 * @param {T} listener
 */
function asFunction(listener) {
  if (typeof listener !== 'function') throw new TypeError('a listener must be a function');
  return listener;
}
